import { familiesSuite } from '../../test-support/familiesSuite.ts';

await familiesSuite('tensorflow', 1e-4);
