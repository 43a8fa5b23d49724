import { ropeSuite } from '../../test-support/suites/ropeSuite.ts';

await ropeSuite('webgpu', 1e-3);
