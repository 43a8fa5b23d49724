/**
 * A checkpoint with the values that its packed form stands for, as float32: what an engine without packed weights
 * computes with when it is to compute the same.
 */
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { rewriteBaseModel } from '../../src-main/basemodel/rewrite.ts';
import { linearModules } from '../../src-main/engine/model/architecture.ts';
import { headName, tokenEmbeddingName } from '../../src-main/engine/model/tensorNames.ts';
import { packMatrix, unpackMatrix } from '../../src-main/engine/packed/packMatrix.ts';
import type { EditRows } from '../../src-main/safetensors/editedRows.ts';
import type { BaseDtype, EmbeddingDtype } from '../../src-shared/baseDtypes.ts';

/** Linear layers as `layers`, embedding and head as `embedding`, whose rows do not depend on each other. */
export async function writeUnpacked(
  dir: string,
  outDir: string,
  { layers, embedding }: { layers: BaseDtype; embedding: EmbeddingDtype },
): Promise<void> {
  const base = openBaseModel(dir);
  const linear = new Set(linearModules(base.spec).map(({ weight }) => weight));
  const vocabulary = new Set([tokenEmbeddingName(base.spec), headName(base.spec)]);
  try {
    await rewriteBaseModel({
      base,
      outDir,
      dtype: 'f32',
      edit: ({ name, shape }) => {
        const [R = 0, C = 0] = shape;
        if (linear.has(name) && layers !== 'f32') {
          const values = unpackMatrix(packMatrix(name, base.readF32(name), R, C, layers));
          return (rows, startRow) => rows.set(values.subarray(startRow * C, startRow * C + rows.length));
        }
        if (!vocabulary.has(name) || embedding === 'f32') return undefined;
        const byRows: EditRows = (rows) => {
          const values = Float32Array.from(rows);
          rows.set(unpackMatrix(packMatrix(name, values, rows.length / C, C, embedding)));
        };
        return byRows;
      },
    });
  } finally {
    base.close();
  }
}
