import { goldenSuite } from '../../test-support/goldenSuite.ts';

await goldenSuite('tensorflow', 1e-4);
