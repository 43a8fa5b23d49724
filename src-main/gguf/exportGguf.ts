/**
 * A base model, with an adapter merged into it or as it is, as one GGUF file for llama.cpp: a tensor at a time, so that
 * memory holds one piece of rows.
 */
import path from 'node:path';
import type { Quantisation } from '../../src-shared/exports.ts';
import type { BaseModel, BaseTensor } from '../basemodel/baseModel.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import { diskFullError, freeBytesAt } from '../files/freeSpace.ts';
import { ggmlMissing, hasGgml } from '../llamacpp/ggml.ts';
import type { EditRows } from '../safetensors/editedRows.ts';
import {
  architectureMetadata,
  GGUF_FAMILIES,
  ggufConstants,
  mappedTensors,
  refuseUnknownToLlamacpp,
} from './families/registry.ts';
import type { GgmlTypeName } from './ggmlTypes.ts';
import { uint32, type GgufMetadata, type TensorHeader } from './header.ts';
import { ggufPieces, storedPieces } from './pieces.ts';
import { OWN_TYPES } from './quantise/encode.ts';
import { FILE_TYPES, plannedType, type TypeChoice } from './quantise/planTypes.ts';
import { runtimeName } from './runtimeName.ts';
import { ggufBytes, writeGguf, type GgufTensor, type WriteOptions, type WrittenGguf } from './write.ts';

export interface GgufSource {
  base: BaseModel;
  /** The change to a tensor, as merging knows it; undefined: the base as it is. */
  edit?: (tensor: BaseTensor) => EditRows | undefined;
  quantise: Quantisation;
  /** The keys `tokenizer.*`. */
  tokenizerMetadata: GgufMetadata;
  /** `general.name`; absent: that of the base's folder. */
  name?: string;
}

export interface GgufPlan {
  /** Of the whole file, exactly. */
  sizeBytes: number;
  tensors: PlannedTensor[];
  /** What the user should know before the start, a sentence each. */
  notes: string[];
}

interface PlannedTensor {
  name: string;
  /** In ggml's order. */
  dims: readonly number[];
  type: GgmlTypeName;
  /** Why it is not the type that the quantisation means for it; a clause. */
  fallback?: string;
}

/**
 * What exportGguf would write. Throws GraftError GGUF_NO_FAMILY (llama.cpp cannot run this model as it is meant),
 * LLAMACPP_ABSENT (the quantisation needs ggml).
 */
export function planGguf(source: GgufSource): GgufPlan {
  const { metadata, tensors } = layOut(source);
  return { sizeBytes: ggufBytes(metadata, tensors), tensors, notes: notesOn(source, tensors) };
}

/**
 * Writes the file, whole or not at all. Throws as planGguf and writeGguf; DISK_FULL also before the start, where the
 * file would not fit.
 */
export async function exportGguf(
  source: GgufSource & WriteOptions & { outFile: string },
): Promise<WrittenGguf & { plan: GgufPlan }> {
  const plan = planGguf(source);
  const free = freeBytesAt(path.dirname(source.outFile));
  if (free !== null && plan.sizeBytes > free) throw diskFullError(source.outFile, plan.sizeBytes, free);
  const written = await writeGguf(source.outFile, layOut(source), source);
  return { ...written, plan };
}

type LaidOut = GgufTensor & PlannedTensor;

function layOut({ base, edit, quantise, tokenizerMetadata, name }: GgufSource): {
  metadata: GgufMetadata;
  tensors: LaidOut[];
} {
  const { spec, config } = base;
  refuseUnknownToLlamacpp(spec, config);
  const mapped = mappedTensors(spec, config);
  const choice = typeChoice(
    spec,
    quantise,
    mapped.some(({ gguf }) => gguf === 'output.weight'),
  );
  const ofBase = mapped
    .filter(({ hf }) => base.has(hf))
    .map(({ hf, gguf, dims, change }): LaidOut => {
      const tensor = base.tensors.get(hf)!;
      const planned = plannedType(gguf, dims, choice);
      const pieces = (): Iterable<Float32Array> => ggufPieces(tensor, change, edit?.(tensor));
      // What a GGUF base has in this type stays as it is: coded a second time, it would lose a second time.
      const same = tensor.coded?.type === planned.type;
      const encoded = (): Iterable<Uint8Array> | undefined => (edit?.(tensor) ? undefined : storedPieces(tensor));
      return { name: gguf, dims, ...planned, pieces, ...(same ? { encoded } : {}) };
    });
  const constants = ggufConstants(spec, mapped, base.has).map(({ gguf, values }): LaidOut => ({
    name: gguf,
    dims: [values.length],
    type: 'F32',
    pieces: () => [values],
  }));
  const tensors = [...constants, ...ofBase].sort(byLayer);
  if (!choice.hasGgml && tensors.some(({ type }) => !OWN_TYPES.includes(type))) throw ggmlMissing();
  const tokens = (tokenizerMetadata.get('tokenizer.ggml.tokens')?.value ?? []) as readonly string[];
  const shownName = name ?? path.basename(base.origin, '.gguf');
  const metadata: GgufMetadata = new Map([
    ...architectureMetadata(spec, config, runtimeName(shownName, config['model_type'], tokens)),
    ...tokenizerMetadata,
    ['general.quantization_version', uint32(2)],
    ['general.file_type', uint32(FILE_TYPES[quantise])],
  ]);
  return { metadata, tensors };
}

/** llama.cpp's own order of tensors: those of no block, then block by block, each by name. */
function byLayer(a: TensorHeader, b: TensorHeader): number {
  const layer = ({ name }: TensorHeader): number => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);
  return layer(a) - layer(b) || (a.name < b.name ? -1 : 1);
}

function typeChoice(
  { family, layers, heads, kvHeads }: ArchitectureSpec,
  quantise: Quantisation,
  ownHead: boolean,
): TypeChoice {
  const is70b = layers === 80 && (family === 'qwen2' || (family === 'llama' && heads !== kvHeads));
  return { quantise, layers, tiedHead: !ownHead, is70b, hasGgml: hasGgml() };
}

function notesOn({ base }: GgufSource, tensors: PlannedTensor[]): string[] {
  const { spec, config } = base;
  const differences = GGUF_FAMILIES[spec.family].differences?.(spec, config) ?? [];
  const fallen = Map.groupBy(
    tensors.filter(({ fallback }) => fallback !== undefined),
    ({ type, fallback }) => `${type}: ${fallback}`,
  );
  const fallbacks = [...fallen.values()].map(([first, ...more]) => {
    const subject = more.length > 0 ? `${first!.name} and ${more.length} more become` : `${first!.name} becomes`;
    return `${subject} ${first!.type}, because ${first!.fallback}.`;
  });
  return [...differences, ...fallbacks, ...roundedTwice(base, tensors)];
}

/** Rounding again, above all to the steps on which the base lies already, takes small changes away. */
function roundedTwice(base: BaseModel, tensors: PlannedTensor[]): string[] {
  const exact: GgmlTypeName[] = ['F32', 'F16', 'BF16'];
  const ofBase = [...base.tensors.values()].flatMap(({ coded }) => (coded ? [coded.type as GgmlTypeName] : []));
  const rounded = [...new Set(ofBase)].filter((type) => !exact.includes(type));
  if (rounded.length === 0 || tensors.every(({ type }) => exact.includes(type))) return [];
  return [
    `The base is ${rounded.join(', ')} already: rounded again, small changes can be lost. The certificate measures ` +
      'what is left of the adapter; F16 keeps it.',
  ];
}
