/**
 * IA3 outside the engine, in PEFT's format: `ia3_l` (out, 1) scales the output of a layer, bias included, (1, in) what
 * a feedforward layer reads. Merging scales rows or columns of the weight, and the bias.
 */
import { z } from 'zod';
import type { Ia3Settings } from '../../../src-shared/methods/ia3.ts';
import { contentOf, layersOf, partOf, wrongShape, type Base, type Cell } from '../../adapters/content.ts';
import type { AdapterFile } from '../../adapters/files.ts';
import { peftConfig, peftModules, peftUnsupported } from '../../adapters/peft.ts';
import { checkPromised } from '../../adapters/promised.ts';
import { storedFrom, type StoredAdapter } from '../../adapters/stored.ts';
import type { BaseTensor } from '../../basemodel/baseModel.ts';
import type { EditRows } from '../../safetensors/editedRows.ts';
import { rowsOf } from '../../safetensors/read.ts';
import { placeIn } from '../delta.ts';
import type { EditOf, MethodFiles } from '../files.ts';
import { adaptedModules, targetsOf } from '../targets.ts';

export const IA3_L = 'ia3_l';

const configSchema = z.looseObject({
  base_model_name_or_path: z.string().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
});

export const ia3Files: MethodFiles<Ia3Settings> = {
  check: (spec, _, settings) => void adaptedModules(spec, settings),
  peft: { type: 'IA3', read: readIa3 },
  edits({ cells }): EditOf {
    const byWeight = Map.groupBy(cells, ({ module }) => module.weight);
    const byBias = Map.groupBy(
      cells.filter((cell) => !isOnInput(cell) && cell.module.bias !== undefined),
      ({ module }) => module.bias,
    );
    return (tensor) => {
      const [weights, biases] = [byWeight.get(tensor.name), byBias.get(tensor.name)];
      if (weights) return weightEdit(tensor, weights);
      return biases && biasEdit(biases);
    };
  },
};

/** Whether the cell scales what its layer reads. */
function isOnInput(cell: Pick<Cell, 'parts' | 'module'>): boolean {
  const [rows, columns] = cell.parts[IA3_L]!.shape;
  return rows === 1 && columns === cell.module.inFeatures && cell.module.outFeatures !== 1;
}

/** Throws GraftError PEFT_CONFIG, PEFT_UNSUPPORTED, PEFT_WEIGHTS. */
function readIa3(file: AdapterFile): StoredAdapter {
  const config = peftConfig(file, configSchema);
  if (config.modules_to_save?.length)
    throw peftUnsupported(file.configFile, 'whole trained modules (modules_to_save)', 'a plain IA3 adapter');
  const modules = peftModules(file, [IA3_L], { name: 'IA3', article: 'an' });
  return storedFrom(file, config.base_model_name_or_path, (base) => {
    const layer = layersOf(file.dir, base);
    const cells = [...modules].map(([path, parts]): Cell => {
      const cell = { module: layer(path), scale: 1, parts };
      checkShape(file.dir, cell, base);
      return cell;
    });
    checkPromised(file, base, [...modules.keys()]);
    return contentOf({ type: 'ia3', ...targetsOf(cells, base.spec) }, { cells });
  });
}

function checkShape(dir: string, cell: Cell, base: Base): void {
  const { module, inFeatures, outFeatures } = cell.module;
  const { shape } = partOf(cell, IA3_L);
  const want = shape[0] === 1 ? [1, inFeatures] : [outFeatures, 1];
  if (shape.join() !== want.join()) throw wrongShape(dir, `${module}.${IA3_L}`, shape, want, base);
}

/** W'[o][i] = l[o]·W[o][i], or l[i]·W[o][i], in the part of the stored matrix that is the module's own. */
function weightEdit(tensor: BaseTensor, cells: Cell[]): EditRows {
  const { width } = rowsOf(tensor);
  return (rows, startRow) => {
    for (const cell of cells) {
      const place = placeIn(cell.module);
      const { data: l } = partOf(cell, IA3_L);
      const byRow = isOnInput(cell) === (cell.module.layout === 'in_out');
      for (let i = 0; i < rows.length / width; i++) {
        const row = startRow + i - place.firstRow;
        if (row < 0 || row >= place.rows) continue;
        const start = i * width + place.firstColumn;
        for (let j = 0; j < place.width; j++) rows[start + j] = rows[start + j]! * l[byRow ? row : j]!;
      }
    }
  };
}

function biasEdit(cells: Cell[]): EditRows {
  return (values, start) => {
    for (const cell of cells) {
      const { data: l } = partOf(cell, IA3_L);
      const first = cell.module.slice?.start ?? 0;
      for (let i = 0; i < values.length; i++) {
        const output = start + i - first;
        if (output >= 0 && output < l.length) values[i] = values[i]! * l[output]!;
      }
    }
  };
}
