import { batchSuite } from '../../../test-support/suites/batchSuite.ts';

await batchSuite('wasm', ['llama', 'gemma2', 'gemma3', 'phi4mini', 'gpt_neox'], { rtol: 1e-5, steps: 7 });
