/** Which files a merged model has, and how large they become. */
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { indexText, ownTensorsOf, shardsOf, tensorsInOrder, writtenBytes } from '../../basemodel/shards.ts';
import { CERTIFICATE_FILE, sideFilesOf } from '../../basemodel/sideFiles.ts';
import { INDEX_FILE, writtenName } from '../../basemodel/weightFiles.ts';
import { FLOAT_DTYPES, type Dtype, type DtypeName } from '../../safetensors/dtype.ts';
import { isSafetensors, type TensorInfo, type WeightFile } from '../../safetensors/read.ts';
import { basisFor } from './basis.ts';

export interface PlannedFile {
  /** Relative to the new folder. */
  name: string;
  /** Exact for copies, within a few hundred bytes for what is written anew. */
  sizeBytes: number;
}

/** A certificate is some forty short lines. */
const CERTIFICATE_BYTES = 1400;
/** What the header of a weights file holds of a tensor beside its name. */
const HEADER_ENTRY_BYTES = 75;

/** The files of a merged folder. Throws the GraftErrors of openBaseModel. */
export function mergedFiles(
  modelDir: string,
  adapterDirs: string[],
  dtype: DtypeName | undefined,
  maxShardBytes?: number,
): PlannedFile[] {
  const opened = openBaseModel(modelDir);
  try {
    const base = basisFor(opened, adapterDirs);
    const read = new Set([...base.tensors.values()].map(({ originalName }) => originalName));
    // Buffers that the model does not read keep their type.
    const written: Written = (info) => ({ info, to: dtype && read.has(info.name) ? FLOAT_DTYPES[dtype] : info.dtype });
    const weights =
      maxShardBytes === undefined
        ? base.files.map((file) => ({ name: writtenName(file), sizeBytes: weightBytes(base, file, written, dtype) }))
        : shardFiles(base, written, maxShardBytes);
    const index =
      base.index && maxShardBytes === undefined
        ? [{ name: INDEX_FILE, sizeBytes: JSON.stringify(base.index, null, 2).length }]
        : [];
    return [...sideFilesOf(base.dir), ...weights, ...index, { name: CERTIFICATE_FILE, sizeBytes: CERTIFICATE_BYTES }];
  } finally {
    opened.close();
  }
}

type Written = (info: TensorInfo) => { info: TensorInfo; to: Dtype };

/** A weights file with its model tensors in another type. */
function weightBytes(base: BaseModel, file: WeightFile, written: Written, dtype: DtypeName | undefined): number {
  const tensors = ownTensorsOf(base, file);
  if (isSafetensors(file) && !dtype && tensors.length === file.tensors.size) return file.sizeBytes;
  const held = (info: TensorInfo): number => (file.tensors.has(info.name) ? info.byteLength : 0);
  return tensors.reduce((sum, info) => sum + writtenBytes(written(info)) - held(info), file.sizeBytes);
}

/** The shards, and their index. */
function shardFiles(base: BaseModel, written: Written, maxShardBytes: number): PlannedFile[] {
  const shards = shardsOf(tensorsInOrder(base).map(written), maxShardBytes);
  const files = shards.map(({ name, tensors }) => ({
    name,
    sizeBytes: tensors.reduce((sum, one) => sum + writtenBytes(one) + one.info.name.length + HEADER_ENTRY_BYTES, 0),
  }));
  return shards.length === 1 ? files : [...files, { name: INDEX_FILE, sizeBytes: indexText(shards).length }];
}
