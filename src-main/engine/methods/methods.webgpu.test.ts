import { methodSuite } from '../../testing/methodSuite.ts';

await methodSuite('webgpu', 1e-3, { golden: false });
