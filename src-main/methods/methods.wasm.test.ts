import { methodSuite } from '../../test-support/methodSuite.ts';

await methodSuite('wasm', 1e-3, { golden: false });
