import { batchSuite } from '../../testing/batchSuite.ts';

await batchSuite('webgpu', ['llama'], { rtol: 1e-4, steps: 7 });
