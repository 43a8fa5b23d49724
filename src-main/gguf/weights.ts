/**
 * A GGUF file as the weights of a base model: its tensors under the checkpoint's names, in the checkpoint's layout. The
 * file is read in place; blocks become float32 as they are read.
 */
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { untiedHeadName } from '../engine/model/tensorNames.ts';
import type { FloatDtype } from '../safetensors/dtype.ts';
import type { OpenFile, TensorInfo, WeightFile } from '../safetensors/read.ts';
import { codedValues } from './coded.ts';
import { mappedTensors, type MappedTensor } from './families/registry.ts';
import type { GgmlTypeName } from './ggmlTypes.ts';
import { openGguf, type GgufFile, type GgufTensorInfo } from './read.ts';

/** Used to rebuild the configuration, not by a layer (config/fromGguf.ts). */
const READ_ELSEWHERE = new Set(['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight']);

/** Throws as openGguf, and GGUF_TENSOR for a shape that does not fit `config`. The caller closes the file. */
export function openGgufWeights(file: string, config: ModelConfig): WeightFile {
  const gguf = openGguf(file);
  try {
    return weightsOf(gguf, config);
  } catch (error) {
    gguf.close();
    throw error;
  }
}

function weightsOf(gguf: GgufFile, config: ModelConfig): WeightFile {
  const { file, source } = gguf;
  const spec = architectureFromConfig(config);
  const mapped = mappedTensors(spec, config).filter(({ copy }) => !copy);
  const tensors = new Map<string, TensorInfo>();
  const left = new Map(gguf.tensors);
  for (const one of mapped) {
    const info = gguf.tensors.get(one.gguf);
    if (!info) continue; // what a model must have is asked for later, of every format alike
    checkShape(file, info, one);
    left.delete(one.gguf);
    tensors.set(one.hf, tensorInfo(file, source, info, one));
  }
  const spare = left.get('output.weight');
  if (spare && spec.tiedHead) {
    left.delete('output.weight');
    const head = { hf: untiedHeadName(spec), shape: spare.dims.toReversed() };
    tensors.set(head.hf, tensorInfo(file, source, spare, head));
  }
  const unread = [...left.keys()].filter((name) => !READ_ELSEWHERE.has(name));
  return {
    file,
    sizeBytes: gguf.sizeBytes,
    modifiedMs: gguf.modifiedMs,
    headerBytes: gguf.headerBytes,
    format: 'gguf',
    metadata: {},
    tensors,
    unread,
    close: gguf.close,
  };
}

function tensorInfo(
  file: string,
  source: OpenFile,
  info: GgufTensorInfo,
  { hf, shape, change }: Pick<MappedTensor, 'hf' | 'shape' | 'change'>,
): TensorInfo {
  return {
    name: hf,
    dtype: valueType(info.type),
    shape,
    file,
    offset: info.offset,
    byteLength: info.byteLength,
    source,
    coded: codedValues(source, info, shape, change),
  };
}

/** The smallest type that holds every value exactly, of those that safetensors files have. */
function valueType(type: GgmlTypeName): FloatDtype {
  return type === 'F16' || type === 'BF16' ? type : 'F32';
}

function checkShape(file: string, { name, dims }: GgufTensorInfo, want: MappedTensor): void {
  const plain = (list: readonly number[]): string => list.join(', ');
  // A list of one is the same with or without a length of 1.
  const trimmed = dims.length > want.dims.length ? dims.slice(0, want.dims.length) : dims;
  const rest = dims.slice(want.dims.length).every((n) => n === 1);
  if (rest && plain(trimmed) === plain(want.dims)) return;
  throw new GraftError(
    'GGUF_TENSOR',
    `${file}: tensor ${name} is [${plain(dims)}], but its metadata asks for [${plain(want.dims)}]; download or ` +
      `convert ${path.basename(file)} again.`,
    { file, tensor: name, got: dims, want: want.dims },
  );
}
