import { METHOD_CASES, methodGoldenSuite } from '../../testing/methodGoldenSuite.ts';

await methodGoldenSuite('tensorflow', ['gpt2', 'llama', 'qwen2'], METHOD_CASES, 1e-4);
