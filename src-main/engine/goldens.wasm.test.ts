import { goldenSuite } from '../testing/goldenSuite.ts';

goldenSuite('wasm', 1e-3);
