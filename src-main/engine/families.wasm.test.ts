import { familiesSuite } from '../testing/familiesSuite.ts';

await familiesSuite('wasm', 1e-3);
