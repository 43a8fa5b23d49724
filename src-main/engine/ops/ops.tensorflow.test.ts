import { dropoutSuite } from '../../testing/dropoutSuite.ts';
import { opsSuite } from '../../testing/opsSuite.ts';

await opsSuite('tensorflow', 1e-4);
await dropoutSuite('tensorflow');
