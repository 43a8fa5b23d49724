import { dropoutSuite } from '../../../test-support/dropoutSuite.ts';
import { opsSuite } from '../../../test-support/opsSuite.ts';

await opsSuite('wasm', 1e-3);
await dropoutSuite('wasm');
