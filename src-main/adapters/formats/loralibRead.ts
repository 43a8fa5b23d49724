/**
 * Adapters as Microsoft's loralib writes them: torch.save of lora_state_dict(model), keys `<module path>.lora_A`
 * (r, in) and `.lora_B` (out, r). A MergedLinear over a fused layer of n parts has one pair for each of its g enabled
 * parts: A (g·r, in), B (g·out/n, r), as a convolution of g groups. Neither alpha nor which parts are enabled is
 * stored.
 */
import fs from 'node:fs';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { linearModules, type LinearModule } from '../../engine/model/architecture.ts';
import type { PeftModules, PeftPair } from '../../methods/lora/peftLayout.ts';
import { layersOf, type Base } from '../content.ts';
import { readAdapterTensors, type NamedTensor, type NamedTensors } from '../files.ts';
import { PEFT_PREFIX } from '../peft.ts';
import type { ForeignLora } from './foreignLora.ts';

const KEY = /^(?:module\.)?(.+)\.lora_([AB])$/;

/** Whether a file is one of PyTorch's, by its first bytes: an archive, or a pickle. */
export function isTorchFile(file: string): boolean {
  if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
  const fd = fs.openSync(file, 'r');
  try {
    const start = Buffer.alloc(4);
    fs.readSync(fd, start, 0, 4, 0);
    return start.toString('latin1') === 'PK\x03\x04' || start[0] === 0x80;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * `alpha`: as in training; asked for where it is not given. Throws LORALIB_ALPHA, LORALIB_ADAPTER, TORCH_FILE*,
 * PEFT_WEIGHTS for NaN or Inf.
 */
export function readLoralib(file: string, alpha: number | undefined): ForeignLora {
  const { tensors, sha256, sizeBytes } = readAdapterTensors(file);
  const pairs = pairsOf(file, tensors);
  const [first] = pairs.values();
  if (alpha === undefined)
    throw usageError(
      'LORALIB_ALPHA',
      `${file} is a LoRA of loralib's (${pairs.size} layers, lora_B of ${first!.B.shape[1]} columns), which does not ` +
        'store alpha; give the alpha it was trained with (--alpha N): the update is alpha / r times B·A.',
      { file, r: first!.B.shape[1] },
    );
  return {
    path: file,
    format: 'loralib',
    baseName: null,
    dropout: 0,
    dora: false,
    sha256,
    sizeBytes,
    modulesOn: (base) => modulesOf(file, pairs, alpha, base),
  };
}

interface Pair {
  A: NamedTensor;
  B: NamedTensor;
}

function pairsOf(file: string, tensors: NamedTensors): Map<string, Pair> {
  const found = new Map<string, Partial<Pair>>();
  for (const [name, tensor] of tensors) {
    const [, path, half] = KEY.exec(name) ?? [];
    if (name.startsWith(PEFT_PREFIX))
      throw broken(file, 'holds the weights of a PEFT adapter', 'choose the folder that has its adapter_config.json');
    if (path === undefined || tensor.shape.length !== 2)
      throw broken(
        file,
        `holds ${name}, which is no lora_A or lora_B`,
        'save the LoRA alone (in Python: torch.save(lora.lora_state_dict(model), file))',
      );
    found.set(path, { ...found.get(path), [half!]: tensor });
  }
  for (const [path, { A, B }] of found)
    if (!A || !B) throw broken(file, `has only one half of ${path}`, 'use a complete adapter');
  return found as Map<string, Pair>;
}

function modulesOf(file: string, pairs: Map<string, Pair>, alpha: number, base: Base): PeftModules {
  const layer = layersOf(file, base);
  return new Map(
    [...pairs].map(([path, pair]) => {
      const module = layer(path);
      return [module.module, pairOn(file, module, pair, alpha, base)];
    }),
  );
}

function pairOn(file: string, module: LinearModule, { A, B }: Pair, alpha: number, base: Base): PeftPair {
  const [[rows, inputs], [outputs, r]] = [A.shape, B.shape] as [[number, number], [number, number]];
  const groups = rows / r;
  const parts = linearModules(base.spec).filter(({ module: name, slice }) => slice && name === module.module);
  const size = module.outFeatures / Math.max(1, parts.length);
  const scale = alpha / r;
  if (inputs === module.inFeatures && groups === 1 && outputs === module.outFeatures)
    return { module, scale, A: A as PeftPair['A'], B: B as PeftPair['B'] };
  const isFused = parts.length > 1 && parts.every(({ outFeatures }) => outFeatures === size);
  if (inputs !== module.inFeatures || !isFused || outputs !== groups * size || groups < 2 || groups > parts.length)
    throw broken(
      file,
      `has lora_A [${A.shape.join(', ')}] and lora_B [${B.shape.join(', ')}] at ${module.module}, which fit neither ` +
        `the layer (${module.inFeatures} in, ${module.outFeatures} out) nor several of its parts`,
      'choose the base model it was trained on',
    );
  return { module, scale, A: A as PeftPair['A'], B: spread(B, enabledOf(groups, parts.length), module.outFeatures) };
}

/** Of q, k and v loralib's examples leave out k where two are adapted. */
function enabledOf(groups: number, parts: number): number[] {
  return groups === 2 && parts === 3 ? [0, 2] : Array.from({ length: groups }, (_, i) => i);
}

/** B of all outputs (out, g·r): the group's rows at its part of the layer, its columns beside those of the others. */
function spread({ shape, data }: NamedTensor, enabled: number[], outputs: number): PeftPair['B'] {
  const [rows, r] = shape as [number, number];
  const size = rows / enabled.length;
  const rank = enabled.length * r;
  const all = new Float32Array(outputs * rank);
  data.forEach((value, i) => {
    const [row, column] = [Math.floor(i / r), i % r];
    const group = Math.floor(row / size);
    all[(enabled[group]! * size + (row % size)) * rank + group * r + column] = value;
  });
  return { shape: [outputs, rank], data: all };
}

function broken(file: string, problem: string, instead: string): GraftError {
  return new GraftError('LORALIB_ADAPTER', `${file} ${problem}; ${instead}.`, { file });
}
