import { goldenSuite } from '../../test-support/suites/goldenSuite.ts';

await goldenSuite('webgpu', 1e-3);
