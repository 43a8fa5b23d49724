import { familiesSuite } from '../../test-support/suites/familiesSuite.ts';

await familiesSuite('wasm', 1e-3);
