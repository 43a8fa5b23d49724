import { familiesSuite } from '../../test-support/suites/familiesSuite.ts';

await familiesSuite('tensorflow', 1e-4);
