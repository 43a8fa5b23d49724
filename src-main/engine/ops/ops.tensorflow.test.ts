import { opsSuite } from '../../testing/opsSuite.ts';

await opsSuite('tensorflow', 1e-4);
