/**
 * A vocabulary of 164 MB in float32, more than Mesa's software driver binds at once (128 MiB): look-up, loss and both
 * gradients with the pieces that this device asks for, against float64 in plain loops.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bootOrNote } from '../../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../../test-support/checks/expectClose.ts';
import { Random } from '../../../../src-shared/random.ts';
import { mostBytesPerBinding } from '../../backends/bindingLimit.ts';
import { disposeParameter, inPieces } from '../../model/parameters.ts';
import { weightForm } from '../../model/weightLayout.ts';
import { lookUp } from '../../ops/embedding.ts';
import { linearCrossEntropy } from '../../ops/linearCrossEntropy.ts';
import { valueAndGradients } from '../../train/gradients.ts';

const note = await bootOrNote('webgpu');
const [V, C, M] = [40_000, 1024, 2];
/** Rows at both ends and on both sides of the middle, where pieces meet on Mesa's driver. */
const IDS = [0, 19_999, 20_000, 20_031, 20_032, V - 1];
const LABELS = [20_032, 7];

/** Of row r, column c: repeatable, and cheap for 41 million of them. */
const valueAt = (r: number, c: number): number => Math.fround((((r * 37 + c * 101) % 1009) - 504) / 5000);

describe.skipIf(note !== '')(`a table above the limit of a binding${note}`, { timeout: 300_000 }, () => {
  it('is looked up, multiplied and trained in pieces', async () => {
    const { pieces } = weightForm([V, C], 'f32', mostBytesPerBinding());
    if (4 * V * C > mostBytesPerBinding()) expect(pieces.length).toBeGreaterThan(1);
    const table = inPieces(
      'table',
      pieces.map(({ startRow, rows }) => {
        const values = new Float32Array(rows * C);
        for (let r = 0; r < rows; r++) for (let c = 0; c < C; c++) values[r * C + c] = valueAt(startRow + r, c);
        return { name: `table[${startRow}]`, value: tf.tensor2d(values, [rows, C]) };
      }),
    );
    const found = tf.tidy(() => lookUp(table, tf.tensor1d(IDS, 'int32')));
    expect([...(await found.data())]).toEqual(IDS.flatMap((r) => Array.from({ length: C }, (_, c) => valueAt(r, c))));

    const h = new Random(1).normal(M * C, 0.5);
    const states = tf.tensor2d(h, [M, C]);
    const trained = table.pieces!.map(({ value }) => value);
    const { value, gradients } = valueAndGradients(
      () => linearCrossEntropy(states, table, tf.tensor1d(LABELS, 'int32'), { gradients: true, trainW: true }),
      [states, ...trained],
    );
    const want = reference(h);
    expectClose(await value.data(), [want.loss], { rtol: 1e-4, atol: 0 }, 'loss');
    const [dh, ...dws] = gradients;
    expectClose(await dh!.data(), want.dh, { rtol: 1e-3, atol: 1e-5 }, 'gradient of h');
    for (const [i, { startRow, rows }] of pieces.entries()) {
      const got = await dws[i]!.data();
      for (const r of [...IDS, ...LABELS].filter((row) => row >= startRow && row < startRow + rows)) {
        const row = got.subarray((r - startRow) * C, (r - startRow + 1) * C);
        expectClose(row, want.dwRow(r), { rtol: 1e-3, atol: 1e-6 }, `gradient of row ${r}`);
      }
    }
    tf.dispose([found, states, value, ...gradients]);
    disposeParameter(table);
  });
});

function reference(h: Float32Array): { loss: number; dh: Float64Array; dwRow: (r: number) => Float64Array } {
  const p = Array.from({ length: M }, () => new Float64Array(V));
  const dh = new Float64Array(M * C);
  let loss = 0;
  for (let m = 0; m < M; m++) {
    const own = p[m]!;
    for (let r = 0; r < V; r++) for (let c = 0; c < C; c++) own[r] = own[r]! + h[m * C + c]! * valueAt(r, c);
    const top = own.reduce((most, z) => Math.max(most, z), -Infinity);
    const sum = own.reduce((total, z) => total + Math.exp(z - top), 0);
    loss += Math.log(sum) + top - own[LABELS[m]!]!;
    for (let r = 0; r < V; r++) own[r] = Math.exp(own[r]! - top) / sum - (r === LABELS[m] ? 1 : 0);
    for (let r = 0; r < V; r++) for (let c = 0; c < C; c++) dh[m * C + c] = dh[m * C + c]! + own[r]! * valueAt(r, c);
  }
  const dwRow = (r: number): Float64Array =>
    Float64Array.from({ length: C }, (_, c) => p.reduce((sum, own, m) => sum + own[r]! * h[m * C + c]!, 0));
  return { loss, dh, dwRow };
}
