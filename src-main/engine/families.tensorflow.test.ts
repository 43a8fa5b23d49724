import { familiesSuite } from '../testing/familiesSuite.ts';

await familiesSuite('tensorflow', 1e-4);
