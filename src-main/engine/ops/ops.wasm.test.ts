import { dropoutSuite } from '../../testing/dropoutSuite.ts';
import { opsSuite } from '../../testing/opsSuite.ts';

await opsSuite('wasm', 1e-3);
await dropoutSuite('wasm');
