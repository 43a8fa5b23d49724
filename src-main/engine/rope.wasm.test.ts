import { ropeSuite } from '../../test-support/suites/ropeSuite.ts';

await ropeSuite('wasm', 1e-3);
