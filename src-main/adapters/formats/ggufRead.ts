/** Adapters in GGUF, as llama.cpp's converter and ggufWrite.ts write them: one alpha, a pair of tensors per weight. */
import { GraftError } from '../../../src-shared/errors.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import { fileSha256 } from '../../files/sha256.ts';
import { dequantise } from '../../gguf/dequantise/dequantise.ts';
import { GGUF_FAMILIES } from '../../gguf/families/registry.ts';
import { openGguf, type GgufFile, type GgufTensorInfo } from '../../gguf/read.ts';
import type { PeftModules, PeftPair } from '../../methods/lora/peftLayout.ts';
import { allFinite } from '../../safetensors/finite.ts';
import { readExactly } from '../../safetensors/read.ts';
import { checkSizes, noModule, type Base } from '../content.ts';
import { adapterWeightsError, refuseTooLarge, type NamedTensor } from '../files.ts';
import type { ForeignLora } from './foreignLora.ts';
import { fromGgufRows, ggufLayers } from './ggufWeights.ts';

const KEY = /^(.+)\.lora_(a|b)$/;

/**
 * Throws GGUF_ADAPTER for a file that holds no plain LoRA, FILE_TOO_LARGE, PEFT_WEIGHTS for NaN or Inf, and as
 * openGguf.
 */
export function readGgufLora(file: string): ForeignLora {
  const gguf = openGguf(file);
  try {
    refuseTooLarge(file, gguf.sizeBytes);
    const lora = { file, architecture: architectureOf(gguf), alpha: alphaOf(gguf), parts: partsOf(gguf) };
    return {
      path: file,
      format: 'GGUF',
      baseName: gguf.fields.string('general.base_model.0.name') ?? null,
      dropout: 0,
      dora: false,
      sha256: fileSha256(file),
      sizeBytes: gguf.sizeBytes,
      modulesOn: (base) => modulesOf(lora, base),
    };
  } finally {
    gguf.close();
  }
}

function architectureOf({ file, fields }: GgufFile): string {
  const type = fields.string('general.type');
  if (type !== 'adapter')
    throw broken(
      file,
      `is of general.type ${shownValue(type ?? null)}, no adapter`,
      'add it as a model (graft models add, or the page Models)',
    );
  const kind = fields.string('adapter.type');
  if (kind !== 'lora') throw broken(file, `is an adapter of type ${shownValue(kind ?? null)}`, 'use a LoRA');
  if (fields.has('adapter.alora.invocation_tokens'))
    throw broken(file, 'is an activated LoRA, which acts only after certain tokens', 'use a plain LoRA');
  return fields.string('general.architecture') ?? '';
}

/** Absent or 0: llama.cpp then scales by 1. */
function alphaOf({ file, fields }: GgufFile): number {
  const alpha = fields.number('adapter.lora.alpha') ?? 0;
  if (Number.isFinite(alpha)) return alpha;
  throw broken(file, `has adapter.lora.alpha ${alpha}`, 'convert it again');
}

type Parts = Map<string, Partial<Record<'a' | 'b', NamedTensor>>>;

function partsOf(gguf: GgufFile): Parts {
  const parts: Parts = new Map();
  for (const info of gguf.tensors.values()) {
    const [, weight, part] = KEY.exec(info.name) ?? [];
    if (weight === undefined)
      throw broken(gguf.file, `holds ${shownValue(info.name)}, which is no part of a LoRA`, 'use a plain LoRA');
    parts.set(weight, { ...parts.get(weight), [part!]: readTensor(gguf, info) });
  }
  if (parts.size === 0) throw broken(gguf.file, 'holds no lora_a and lora_b', 'convert it again');
  return parts;
}

function readTensor({ file, source }: GgufFile, { name, type, dims, offset, byteLength }: GgufTensorInfo): NamedTensor {
  const bytes = new Uint8Array(byteLength);
  readExactly(source, bytes, offset);
  const shape = dims.toReversed();
  const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
  dequantise(type, bytes, data);
  if (!allFinite(data)) throw adapterWeightsError(file, name, 'holds NaN or Inf');
  return { shape, data };
}

interface GgufLora {
  file: string;
  architecture: string;
  alpha: number;
  parts: Parts;
}

function modulesOf({ file, architecture, alpha, parts }: GgufLora, base: Base): PeftModules {
  const own = GGUF_FAMILIES[base.spec.family].architecture;
  if (architecture !== own)
    throw new GraftError(
      'ADAPTER_NO_MODULE',
      `The adapter in ${file} is for llama.cpp's architecture ${shownValue(architecture)}, but the base model in ` +
        `${base.dir} is ${own}; choose the base model it was trained on.`,
      { adapter: file, got: own, want: architecture },
    );
  const layers = new Map(ggufLayers(base.spec).map((layer) => [layer.gguf, layer]));
  return new Map(
    [...parts].map(([weight, { a, b }]): [string, PeftPair] => {
      const layer = layers.get(weight);
      if (/^(token_embd|output)\./.test(weight))
        throw broken(file, `also adapts ${weight}, which is no linear layer of a block`, 'use an adapter without it');
      if (!layer) throw noModule(file, weight, base);
      const isPair = a?.shape.length === 2 && b?.shape.length === 2 && a.shape[0] === b.shape[1];
      if (!isPair) throw broken(file, `has no matching lora_a and lora_b for ${weight}`, 'use a complete adapter');
      checkSizes(file, layer.module, [a.shape[1]!, b.shape[0]!], base);
      const B = fromGgufRows(b, layer.change) as PeftPair['B'];
      const scale = alpha === 0 ? 1 : alpha / a.shape[0]!;
      return [layer.module.module, { module: layer.module, scale, A: a as PeftPair['A'], B }];
    }),
  );
}

function broken(file: string, problem: string, instead: string): GraftError {
  return new GraftError('GGUF_ADAPTER', `${file} ${problem}; ${instead}.`, { file });
}
