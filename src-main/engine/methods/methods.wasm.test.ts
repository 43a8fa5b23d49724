import { methodSuite } from '../../testing/methodSuite.ts';

await methodSuite('wasm', 1e-3, { golden: false });
