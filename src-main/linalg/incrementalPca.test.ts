/** Batches of rows against NumPy's decomposition of all of them at once, which keeping every component must equal. */
import { expect, it } from 'vitest';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { Random } from '../../src-shared/random.ts';
import { IncrementalPca } from './incrementalPca.ts';

it('of rows in three batches is that of all rows, where every component is kept', async () => {
  const rows = ROWS;
  const pca = new IncrementalPca(3, 3, new Random(1));
  for (const batch of [rows.slice(0, 4), rows.slice(4, 5), rows.slice(5)]) await pca.update(batch.flat(), batch.length);
  expectClose(pca.singularValues, SINGULAR_VALUES, { rtol: 1e-10, atol: 0 });
  expectClose(pca.components!, COMPONENTS.flat(), { rtol: 0, atol: 1e-10 });
  expectClose(pca.explained, EXPLAINED, { rtol: 1e-10, atol: 0 });
});

it('of rows that are all the same explains nothing', async () => {
  const pca = new IncrementalPca(2, 1, new Random(1));
  await pca.update([3, 4, 3, 4], 2);
  await pca.update([3, 4], 1);
  expect([...pca.explained]).toEqual([0]);
});

// x = numpy.round(numpy.random.default_rng(4).normal(size=(8, 3)) * [3, 1, .5] + [1, -2, 5], 2); svd of x - x.mean(0)
const ROWS = [
  [-0.96, -2.17, 5.83],
  [2.98, -3.64, 5.0],
  [-0.87, -1.85, 4.2],
  [1.73, -1.76, 5.79],
  [1.95, -1.49, 4.25],
  [7.76, -3.92, 5.55],
  [0.01, -2.88, 4.67],
  [-1.02, -1.62, 4.94],
];
const SINGULAR_VALUES = [8.086595281726558, 1.7656261814849732, 1.5942289474264986];
const COMPONENTS = [
  [0.9711549790669102, -0.22991043958462715, 0.06323919989652463],
  [0.23177424285192327, 0.8478545728833106, -0.4768892152180383],
  [0.05602416428619689, 0.4777905534968877, 0.8766855080387554],
];
const EXPLAINED = [0.9203541102514979, 0.04387539711563753, 0.03577049263286444];
