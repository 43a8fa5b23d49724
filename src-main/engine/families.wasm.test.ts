import { familiesSuite } from '../../test-support/familiesSuite.ts';

await familiesSuite('wasm', 1e-3);
