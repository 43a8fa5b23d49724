import { opsSuite } from '../../testing/opsSuite.ts';

await opsSuite('webgpu', 1e-3);
