/**
 * MiSS outside the engine. `miss_block` is M (r, out): W'[o][i] = W[o][i] + M[i mod r][o]; with `bat` (out/r, r, r),
 * and every r x r block of W in block row a becomes W + W·M[a] + M[a], rows outputs and columns inputs. PEFT has it for
 * nn.Linear only; elsewhere it is written in Graft's own format.
 */
import { z } from 'zod';
import { usageError } from '../../../src-shared/errors.ts';
import type { MissSettings } from '../../../src-shared/methods/miss.ts';
import { contentOf, layersOf, partOf, wrongShape, type Base, type Cell } from '../../adapters/content.ts';
import type { AdapterFile, NamedTensor } from '../../adapters/files.ts';
import { ownCells } from '../../adapters/ownFormat.ts';
import { isOff, peftConfig, peftModules, peftUnsupported } from '../../adapters/peft.ts';
import { checkPromised } from '../../adapters/promised.ts';
import { storedFrom, type StoredAdapter } from '../../adapters/stored.ts';
import type { LinearModule } from '../../engine/model/architecture.ts';
import { byElement } from '../delta.ts';
import type { EditOf, MethodFiles } from '../files.ts';
import { adaptedModules, targetsOf, type AdaptedModule } from '../targets.ts';
import { batEdit } from './batEdit.ts';

export const BLOCK = 'miss_block';

export function missShape({ outFeatures }: LinearModule, rank: number, variant: MissSettings['variant']): number[] {
  return variant === 'bat' ? [outFeatures / rank, rank, rank] : [rank, outFeatures];
}

export const missFiles: MethodFiles<MissSettings> = {
  check(spec, _, settings) {
    const adapted = adaptedModules(spec, settings);
    if (settings.variant === 'bat') checkBlocks(adapted);
  },
  peft: { type: 'MISS', read: readMiss },
  own(file, settings, base) {
    const cells = ownCells(file, 1, base);
    for (const cell of cells) checkShape(file.dir, cell, settings, base);
    return contentOf(settings, { cells });
  },
  rowsOf(cell) {
    const { shape, data } = partOf(cell, BLOCK);
    const [r, out] = shape as [number, number];
    return byElement(cell.module, (output, input) => data[(input % r) * out + output]!);
  },
  edits({ cells }): EditOf {
    const byWeight = Map.groupBy(
      cells.filter((cell) => partOf(cell, BLOCK).shape.length === 3),
      ({ module }) => module.weight,
    );
    return (tensor) => {
      const own = byWeight.get(tensor.name);
      return own && batEdit(tensor, own);
    };
  },
};

/** Throws BAD_RANK where a matrix does not fall into r x r blocks. */
function checkBlocks(adapted: AdaptedModule[]): void {
  const misfit = adapted.find(({ module, rank }) => module.inFeatures % rank !== 0 || module.outFeatures % rank !== 0);
  if (!misfit) return;
  const { module, rank } = misfit;
  throw usageError(
    'BAD_RANK',
    `Rank ${rank} does not divide target ${module.target} (${module.inFeatures} in, ${module.outFeatures} out) into ` +
      'blocks, as the variant bat needs; choose a divisor of both or the variant miss.',
    { rank, target: module.target },
  );
}

const configSchema = z.looseObject({
  r: z.number().int().min(1).default(64),
  init_weights: z.union([z.boolean(), z.string()]).nullish(),
  bias: z.string().nullish(),
  base_model_name_or_path: z.string().nullish(),
  modules_to_save: z.unknown().optional(),
});

/** Throws GraftError PEFT_CONFIG, PEFT_UNSUPPORTED (biases, saved modules), PEFT_WEIGHTS. */
function readMiss(file: AdapterFile): StoredAdapter {
  const config = peftConfig(file, configSchema);
  const refuse = (what: string) => peftUnsupported(file.configFile, what, 'a plain MiSS adapter');
  if (!isOff(config.modules_to_save)) throw refuse('whole trained modules (modules_to_save)');
  if (config.bias && config.bias !== 'none') throw refuse('trained biases');
  const modules = peftModules(file, [BLOCK], { name: 'MiSS', article: 'a' });
  const variant = config.init_weights === 'bat' ? 'bat' : 'miss';
  const shared = { type: 'miss', rank: config.r, variant } as const;
  return storedFrom(file, config.base_model_name_or_path, (base) => {
    const layer = layersOf(file.dir, base);
    const cells = [...modules].map(([path, parts]): Cell => {
      const module = layer(path);
      const block = config.init_weights === 'mini' ? repeated(parts[BLOCK]!, module) : parts[BLOCK]!;
      const cell = { module, scale: 1, parts: { [BLOCK]: block } };
      checkShape(file.dir, cell, shared, base);
      return cell;
    });
    checkPromised(file, base, [...modules.keys()]);
    return contentOf({ ...shared, ...targetsOf(cells, base.spec) }, { cells });
  });
}

/** PEFT's `mini` keeps (r, k) and repeats it along the outputs. */
function repeated({ shape, data }: NamedTensor, { outFeatures }: LinearModule): NamedTensor {
  const [r, k] = shape as [number, number];
  const whole = Float32Array.from(
    { length: r * outFeatures },
    (_, at) => data[Math.floor(at / outFeatures) * k + ((at % outFeatures) % k)]!,
  );
  return { shape: [r, outFeatures], data: whole };
}

function checkShape(
  dir: string,
  cell: Cell,
  { rank, variant }: Pick<MissSettings, 'rank' | 'variant'>,
  base: Base,
): void {
  const { shape } = partOf(cell, BLOCK);
  const want = missShape(cell.module, rank, variant);
  if (shape.join() !== want.join()) throw wrongShape(dir, `${cell.module.module}.${BLOCK}`, shape, want, base);
}
