/**
 * Scaled rotary positions that stand in tensors. LongRoPE's factors as they are; Llama 3's scaling out of the factors
 * that llama.cpp's converter writes for it: by what each frequency is divided. The parameters are found among those in
 * use, and must give the very factors of the file.
 */
import { GraftError } from '../../src-shared/errors.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { llama3Frequency } from '../engine/model/ropeScaling.ts';
import { codedValues } from './coded.ts';
import type { ArchitectureFields } from './architectureFields.ts';
import type { GgufFile } from './read.ts';

const TENSOR = 'rope_freqs.weight';

/** low_freq_factor, high_freq_factor and original_max_position_embeddings of Llama 3.1 to 3.3, and of smaller kin. */
const FREQUENCY_FACTORS = [[1, 4]] as const;
const ORIGINAL_LENGTHS = [8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16] as const;

/** Empty where the file has no factors. Throws GGUF_UNSUPPORTED for factors of another kind. */
export function llama3Scaling(gguf: GgufFile, fields: ArchitectureFields): ModelConfig {
  const info = gguf.tensors.get(TENSOR);
  if (!info) return {};
  const [length = 1] = info.dims;
  const factors = new Float32Array(length);
  codedValues(gguf.source, info, [length], undefined).read(factors, 0);
  if (factors.every((value) => value === 1)) return {};
  const theta = fields.number('rope.freq_base') ?? 10000;
  const factor = Math.max(...factors);
  for (const originalMaxPositions of ORIGINAL_LENGTHS)
    for (const [lowFreqFactor, highFreqFactor] of FREQUENCY_FACTORS) {
      const scaling = { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalMaxPositions } as const;
      const fits = factors.every((value, i) => {
        const frequency = 1 / theta ** (i / length);
        return Math.abs(frequency / llama3Frequency(frequency, scaling) / value - 1) < 1e-4;
      });
      if (fits)
        return {
          rope_scaling: {
            rope_type: 'llama3',
            factor,
            low_freq_factor: lowFreqFactor,
            high_freq_factor: highFreqFactor,
            original_max_position_embeddings: originalMaxPositions,
          },
        };
    }
  throw new GraftError(
    'GGUF_UNSUPPORTED',
    `${gguf.file}: the factors of its rotary positions (${TENSOR}) are not those of Llama 3, and Graft computes no ` +
      'others; choose a model without them, or add its Hugging Face folder.',
    { file: gguf.file, tensor: TENSOR },
  );
}

/** Empty where the file has no factors for short and long texts. */
export function longRope(gguf: GgufFile, fields: ArchitectureFields): ModelConfig {
  const factors = (name: string): number[] | undefined => {
    const info = gguf.tensors.get(`rope_factors_${name}.weight`);
    if (!info) return undefined;
    const [length = 1] = info.dims;
    const values = new Float32Array(length);
    codedValues(gguf.source, info, [length], undefined).read(values, 0);
    return Array.from(values, (value) => Number(value.toPrecision(7)));
  };
  const [short_factor, long_factor] = [factors('short'), factors('long')];
  const attention = fields.number('rope.scaling.attn_factor');
  if (!short_factor && !long_factor) return {};
  return {
    rope_scaling: {
      type: 'longrope',
      short_factor,
      long_factor,
      ...(attention === undefined ? {} : { attention_factor: Number(attention.toPrecision(7)) }),
    },
  };
}
