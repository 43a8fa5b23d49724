import { dropoutSuite } from '../../../test-support/suites/dropoutSuite.ts';
import { opsSuite } from '../../../test-support/suites/opsSuite.ts';

await opsSuite('tensorflow', 1e-4);
await dropoutSuite('tensorflow');
