/** What a LoRA of PEFT's does to a base: pairs on its layers, and tensors of its own in place of the base's. */
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import {
  checkedBiases,
  checkSizes,
  contentOf,
  layersOf,
  wrongShape,
  type AdapterContent,
  type Base,
  type Cell,
} from '../../adapters/content.ts';
import type { AdapterFile } from '../../adapters/files.ts';
import { byPattern, peftUnsupported } from '../../adapters/peft.ts';
import { isHead } from '../../adapters/savedBase.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import { readTensorF32 } from '../../safetensors/read.ts';
import { targetsOf } from '../targets.ts';
import { moduleRank, moduleScale, type PeftConfig } from './peftConfig.ts';
import type { LoraPair, PeftFileParts } from './peftParts.ts';
import { replacedBy } from './peftReplaced.ts';

/** Throws GraftError ADAPTER_NO_MODULE, ADAPTER_SHAPE, PEFT_UNSUPPORTED or PEFT_WEIGHTS. */
export function contentOn(file: AdapterFile, config: PeftConfig, parts: PeftFileParts, base: Base): AdapterContent {
  const { dir } = file;
  const { score } = parts;
  const layer = layersOf(dir, base);
  const linear = [...parts.modules].filter(([path]) => !isHead(`${path}.weight`));
  const cells = linear.map(([path, { A, B, magnitude }]): Cell => {
    const module = layer(path);
    checkSizes(dir, module, [A.shape[1], B.shape[0]], base);
    const own: Cell['parts'] = {
      lora_A: A,
      lora_B: B,
      ...(magnitude ? { lora_magnitude_vector: { shape: [magnitude.length], data: magnitude } } : {}),
    };
    return { module, scale: moduleScale(config, path), parts: own };
  });
  if (score && score.shape[1] !== base.spec.hidden)
    throw wrongShape(dir, SCORE, score.shape, [score.shape[0], base.spec.hidden], base);
  const trained = checkedBiases(dir, parts.biases, base);
  const { biases, placeless } = withBiasesOfB(file, cells, linear, trained, base);
  return contentOf(settingsOf(config, cells, base.spec), {
    cells,
    biases,
    replaced: replacedBy(file, config, parts, base),
    ...(score ? { score } : {}),
    ...(placeless === undefined
      ? {}
      : {
          notMergeable:
            `has a bias on lora_B of ${placeless}, which has none in the base model, so its weights have no place ` +
            'for it',
        }),
  });
}

/**
 * lora_bias: s·b is added to the layer's output, which is the same as a bias of the layer. `placeless`: a layer that
 * has no bias in the base's files.
 */
function withBiasesOfB(
  file: AdapterFile,
  cells: Cell[],
  pairs: [path: string, LoraPair][],
  trained: Map<string, Float32Array>,
  base: Base,
): { biases: Map<string, Float32Array>; placeless?: string } {
  const biases = new Map(trained);
  let placeless: string | undefined;
  cells.forEach(({ module, scale }, i) => {
    const added = pairs[i]![1].bias;
    if (!added) return;
    if (module.bias === undefined)
      throw peftUnsupported(
        file.weightsFile,
        `a bias on lora_B of ${module.module}, where this kind of model has no bias`,
        'an adapter without lora_bias',
      );
    const stored = base.tensors.get(module.bias);
    const own = trained.get(module.bias) ?? (stored ? readTensorF32(stored) : new Float32Array(added.length));
    if (!stored) placeless ??= module.module;
    biases.set(
      module.bias,
      own.map((value, o) => value + scale * added[o]!),
    );
  });
  return { biases, ...(placeless === undefined ? {} : { placeless }) };
}

/** As far as adapter_config.json tells them. */
function settingsOf(config: PeftConfig, cells: Cell[], spec: ArchitectureSpec): LoraSettings {
  const pattern = (all: number, of: (module: string) => number): Record<string, number> =>
    Object.fromEntries(
      cells.flatMap(({ module }) =>
        of(module.module) === all ? [] : [[`${module.layer}.${module.target}`, of(module.module)] as const],
      ),
    );
  const ranks = pattern(config.r, (module) => moduleRank(config, module));
  const alphas = pattern(config.lora_alpha, (module) => byPattern(config.alpha_pattern, module, config.lora_alpha));
  return {
    type: 'lora',
    rank: config.r,
    alpha: config.lora_alpha,
    dropout: config.lora_dropout,
    ...(cells.length > 0 ? targetsOf(cells, spec) : {}),
    ...(Object.keys(ranks).length > 0 ? { rankPattern: ranks } : {}),
    ...(Object.keys(alphas).length > 0 ? { alphaPattern: alphas } : {}),
    ...(config.use_rslora ? { rslora: true } : {}),
    ...(config.use_dora ? { dora: true } : {}),
    ...(config.bias === 'none' ? {} : { bias: config.bias }),
    init: config.init_lora_weights === 'gaussian' ? 'gaussian' : 'kaiming',
  };
}
