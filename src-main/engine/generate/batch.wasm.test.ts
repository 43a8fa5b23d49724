import { batchSuite } from '../../testing/batchSuite.ts';

await batchSuite('wasm', ['llama'], { rtol: 1e-5, steps: 7 });
