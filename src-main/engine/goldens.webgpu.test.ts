import { goldenSuite } from '../testing/goldenSuite.ts';

goldenSuite('webgpu', 1e-3);
