import { dropoutSuite } from '../../../test-support/suites/dropoutSuite.ts';
import { opsSuite } from '../../../test-support/suites/opsSuite.ts';

await opsSuite('wasm', 1e-3);
await dropoutSuite('wasm');
