import { dropoutSuite } from '../../../test-support/dropoutSuite.ts';
import { opsSuite } from '../../../test-support/opsSuite.ts';

await opsSuite('tensorflow', 1e-4);
await dropoutSuite('tensorflow');
