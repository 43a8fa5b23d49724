import { opsSuite } from '../../testing/opsSuite.ts';

await opsSuite('wasm', 1e-3);
