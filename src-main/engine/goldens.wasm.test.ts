import { goldenSuite } from '../testing/goldenSuite.ts';

await goldenSuite('wasm', 1e-3);
