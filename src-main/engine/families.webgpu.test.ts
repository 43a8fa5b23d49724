import { familiesSuite } from '../testing/familiesSuite.ts';

await familiesSuite('webgpu', 1e-3);
