import { ropeSuite } from '../../test-support/suites/ropeSuite.ts';

await ropeSuite('tensorflow', 1e-4);
