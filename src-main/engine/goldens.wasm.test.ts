import { goldenSuite } from '../../test-support/suites/goldenSuite.ts';

await goldenSuite('wasm', 1e-3);
