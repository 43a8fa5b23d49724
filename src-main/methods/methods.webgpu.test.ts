import { methodSuite } from '../../test-support/suites/methodSuite.ts';

await methodSuite('webgpu', 1e-3);
