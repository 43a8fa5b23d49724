import { goldenSuite } from '../testing/goldenSuite.ts';

await goldenSuite('tensorflow', 1e-4);
