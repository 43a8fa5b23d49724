/**
 * An adapter as llama.cpp reads it at run time (convert_lora_to_gguf.py, src/llama-adapter.cpp): for each weight
 * `NAME.lora_a` (r, in) and `NAME.lora_b` (out, r), and one alpha. The runtime's scale is alpha / r of each pair, so
 * whatever an adapter has beside that (rsLoRA, ranks and alphas of single matrices) is worked into B.
 */
import path from 'node:path';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { modelNameOf } from '../../basemodel/folderName.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { GGUF_FAMILIES, refuseUnknownToLlamacpp } from '../../gguf/families/registry.ts';
import { float32, string, uint32, type GgufMetadata } from '../../gguf/header.ts';
import { ggufBytes, writeGguf, type GgufTensor, type WriteOptions, type WrittenGguf } from '../../gguf/write.ts';
import type { AdapterContent } from '../content.ts';
import type { NamedTensor } from '../files.ts';
import { ggufLayers, toGgufRows } from './ggufWeights.ts';
import { commonest, loraMatrices, scaledB } from './loraMatrices.ts';

export interface GgufLoraExport extends WriteOptions {
  base: BaseModel;
  /** What the adapter does to the base (StoredAdapter.on). */
  content: AdapterContent;
  /** The adapter's own folder, for messages. */
  adapterDir: string;
  /** The file to write; an older one stays as it was when anything fails. */
  outFile: string;
  /** `general.name`; absent: that of the adapter's folder. */
  name?: string;
}

/**
 * Throws GraftError NOT_PLAIN_LORA, GGUF_NO_FAMILY (llama.cpp cannot run the base as it is meant), DISK_FULL before the
 * start too, and as writeGguf.
 */
export async function writeGgufLora(options: GgufLoraExport): Promise<WrittenGguf> {
  const { outFile } = options;
  const model = layOut(options);
  const needed = ggufBytes(model.metadata, model.tensors);
  const free = freeBytesAt(path.dirname(outFile));
  if (free !== null && needed > free) throw diskFullError(outFile, needed, free);
  return writeGguf(outFile, model, options);
}

/** Bytes of the file that writeGgufLora would write. Throws NOT_PLAIN_LORA, GGUF_NO_FAMILY. */
export function ggufLoraBytes(options: Omit<GgufLoraExport, 'outFile'>): number {
  const { metadata, tensors } = layOut(options);
  return ggufBytes(metadata, tensors);
}

function layOut({ base, content, adapterDir, name }: Omit<GgufLoraExport, 'outFile'>): {
  metadata: GgufMetadata;
  tensors: GgufTensor[];
} {
  const { spec, config } = base;
  refuseUnknownToLlamacpp(spec, config);
  const matrices = loraMatrices(content, { dir: adapterDir, format: 'a LoRA in GGUF' });
  const layers = new Map(ggufLayers(spec).map((layer) => [layer.module.module, layer]));
  const alphaOf = ({ scale, A }: (typeof matrices)[number]): number => Math.fround(scale * A.shape[0]!);
  const alpha = commonest(matrices.map(alphaOf));
  const tensors = matrices.flatMap((one) => {
    const { gguf, change } = layers.get(one.module.module)!;
    const B = toGgufRows(scaledB(one, alphaOf(one) === alpha ? 1 : (one.scale * one.A.shape[0]!) / alpha), change);
    return [tensorOf(`${gguf}.lora_a`, one.A), tensorOf(`${gguf}.lora_b`, B)];
  });
  const metadata: GgufMetadata = new Map([
    ['general.architecture', string(GGUF_FAMILIES[spec.family].architecture)],
    ['general.type', string('adapter')],
    ['general.name', string(name ?? path.basename(adapterDir))],
    ['general.base_model.count', uint32(1)],
    ['general.base_model.0.name', string(modelNameOf(base.origin))],
    ['adapter.type', string('lora')],
    ['adapter.lora.alpha', float32(alpha)],
    ['general.quantization_version', uint32(2)],
    ['general.file_type', uint32(0)],
  ]);
  return { metadata, tensors };
}

function tensorOf(name: string, { shape, data }: NamedTensor): GgufTensor {
  return { name, dims: shape.toReversed(), type: 'F32', pieces: () => [data] };
}
