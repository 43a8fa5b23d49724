import { batchSuite } from '../../../test-support/suites/batchSuite.ts';

await batchSuite('webgpu', ['llama', 'gemma2', 'gpt_neox'], { rtol: 1e-4, steps: 7 });
