import { METHOD_CASES, methodGoldenSuite, START_CASES } from '../../test-support/suites/methodGoldenSuite.ts';

const MODERN = ['gemma3', 'olmo2', 'smollm3', 'granite', 'phi4mini'];
await methodGoldenSuite('tensorflow', ['gpt2', 'llama', 'llama_rope3', 'qwen2', 'qwen3', 'gemma2'], METHOD_CASES, 1e-4);
await methodGoldenSuite('tensorflow', MODERN, ['full'], 1e-4);
await methodGoldenSuite('tensorflow', ['gpt2', 'llama'], START_CASES, 1e-4);
