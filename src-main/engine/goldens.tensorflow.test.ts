import { goldenSuite } from '../../test-support/suites/goldenSuite.ts';

await goldenSuite('tensorflow', 1e-4);
