import { dropoutSuite } from '../../../test-support/suites/dropoutSuite.ts';
import { opsSuite } from '../../../test-support/suites/opsSuite.ts';

await opsSuite('webgpu', 1e-3);
await dropoutSuite('webgpu');
