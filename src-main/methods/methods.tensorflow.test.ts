import { methodSuite } from '../../test-support/suites/methodSuite.ts';

await methodSuite('tensorflow', 1e-4);
