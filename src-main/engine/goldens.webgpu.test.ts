import { goldenSuite } from '../testing/goldenSuite.ts';

await goldenSuite('webgpu', 1e-3);
