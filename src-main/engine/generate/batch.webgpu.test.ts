import { batchSuite } from '../../testing/batchSuite.ts';

await batchSuite('webgpu', ['llama', 'gemma2', 'gpt_neox'], { rtol: 1e-4, steps: 7 });
