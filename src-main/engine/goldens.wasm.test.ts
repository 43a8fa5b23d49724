import { goldenSuite } from '../../test-support/goldenSuite.ts';

await goldenSuite('wasm', 1e-3);
