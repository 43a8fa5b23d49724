import { dropoutSuite } from '../../../test-support/dropoutSuite.ts';
import { opsSuite } from '../../../test-support/opsSuite.ts';

await opsSuite('webgpu', 1e-3);
await dropoutSuite('webgpu');
