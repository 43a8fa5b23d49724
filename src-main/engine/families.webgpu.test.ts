import { familiesSuite } from '../../test-support/suites/familiesSuite.ts';

await familiesSuite('webgpu', 1e-3);
