import { goldenSuite } from '../../test-support/goldenSuite.ts';

await goldenSuite('webgpu', 1e-3);
