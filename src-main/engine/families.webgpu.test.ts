import { familiesSuite } from '../../test-support/familiesSuite.ts';

await familiesSuite('webgpu', 1e-3);
