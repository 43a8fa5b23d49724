import { methodSuite } from '../../test-support/suites/methodSuite.ts';

await methodSuite('wasm', 1e-3);
