import { goldenSuite } from '../testing/goldenSuite.ts';

goldenSuite('tensorflow', 1e-4);
