import { batchSuite } from '../../../test-support/suites/batchSuite.ts';

// 60 steps make a cache grow past its first block of 64.
await batchSuite('tensorflow', ['llama', 'mistral', 'gpt2', 'qwen3', 'gemma2', 'phi3', 'phi4mini', 'gpt_neox'], {
  rtol: 1e-5,
  steps: 60,
});
