import { METHOD_CASES, methodGoldenSuite } from '../../test-support/suites/methodGoldenSuite.ts';

await methodGoldenSuite('wasm', ['gpt2', 'llama'], METHOD_CASES, 1e-3);
await methodGoldenSuite('wasm', ['llama'], ['eva_rho2', 'lora_ga'], 1e-3);
