import { methodSuite } from '../../testing/methodSuite.ts';

await methodSuite('tensorflow', 1e-4, { golden: true });
