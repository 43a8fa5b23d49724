/**
 * Full fine-tuning: the base's own weights are trained, all of them or those of some blocks (the paper's top-2: the
 * last two).
 */
import { trainedNames, type FullSettings } from '../../../src-shared/methods/full.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { rewriteBaseModel, type RewriteOptions } from '../../basemodel/rewrite.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { piecesOf, type Parameter } from '../../engine/model/parameters.ts';
import type { Adapter } from '../adapter.ts';
import type { Method, Written } from '../method.ts';
import { checkLayers } from '../targets.ts';
import { valueOf } from '../values.ts';

export class FullTuning implements Adapter {
  readonly overrides: ReadonlyMap<string, Parameter>;

  /** weights: of the base; they stay its own. */
  constructor(weights: ReadonlyMap<string, Parameter>) {
    this.overrides = weights;
  }

  parameters(): Parameter[] {
    return [...this.overrides.values()].flatMap(piecesOf);
  }

  dispose(): void {
    // What is trained belongs to the base.
  }
}

/** Throws UNKNOWN_LAYER. */
export function createFull(model: Decoder, layers: number[] | undefined): FullTuning {
  checkLayers(model.spec, layers);
  const names = new Set(trainedNames([...model.weights.keys()], layers));
  return new FullTuning(new Map([...model.weights].filter(([name]) => names.has(name))));
}

export const fullMethod: Method<FullSettings, FullTuning> = {
  create: (model, { layers }) => ({ adapter: createFull(model, layers) }),
  save: (dir, adapter, _settings, base, { endTokens = [], promptTemplate }) =>
    saveWholeModel(adapter, dir, base, {
      eosTokenIds: endTokens.map(({ id }) => id),
      chatTemplate: promptTemplate?.template,
    }),
};

/** The base's folder with every trained weight in place of its own. */
async function saveWholeModel(
  { overrides }: FullTuning,
  outDir: string,
  base: BaseModel,
  taught: Pick<RewriteOptions, 'eosTokenIds' | 'chatTemplate'>,
): Promise<Written> {
  const trained = new Map<string, Float32Array>();
  for (const parameter of overrides.values()) trained.set(parameter.name, (await valueOf(parameter)).data);
  return rewriteBaseModel({
    base,
    outDir,
    ...taught,
    edit: ({ name, shape }) => {
      const values = trained.get(name);
      const width = shape.slice(1).reduce((a, b) => a * b, 1);
      return (
        values && ((rows, startRow) => void rows.set(values.subarray(startRow * width, startRow * width + rows.length)))
      );
    },
  });
}
