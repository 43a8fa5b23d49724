import { methodSuite } from '../../test-support/methodSuite.ts';

await methodSuite('tensorflow', 1e-4, { golden: true });
