import { PREFERENCE_CASES, preferenceGoldenSuite } from '../../../../test-support/suites/preferenceGoldenSuite.ts';

await preferenceGoldenSuite('webgpu', ['gpt2', 'llama'], PREFERENCE_CASES, 1e-3);
