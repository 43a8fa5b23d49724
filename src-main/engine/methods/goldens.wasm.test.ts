import { METHOD_CASES, methodGoldenSuite } from '../../testing/methodGoldenSuite.ts';

await methodGoldenSuite('wasm', ['gpt2', 'llama'], METHOD_CASES, 1e-3);
