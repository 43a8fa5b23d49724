/** Which files a merged model has, and how large they become. */
import path from 'node:path';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { CERTIFICATE_FILE, sideFilesOf } from '../../basemodel/sideFiles.ts';
import { exportedName, INDEX_FILE } from '../../basemodel/weightFiles.ts';
import { DTYPE_BYTES, FLOAT_DTYPES, type DtypeName } from '../../safetensors/dtype.ts';
import { elementCount, type WeightFile } from '../../safetensors/read.ts';

export interface PlannedFile {
  /** Relative to the new folder. */
  name: string;
  /** Exact for copies, within a few hundred bytes for what is written anew. */
  sizeBytes: number;
}

/** A certificate is some forty short lines. */
const CERTIFICATE_BYTES = 1400;

/** The files of a merged folder. Throws the GraftErrors of openBaseModel. */
export function mergedFiles(modelDir: string, dtype: DtypeName | undefined): PlannedFile[] {
  const base = openBaseModel(modelDir);
  try {
    const read = new Set([...base.tensors.values()].map(({ originalName }) => originalName));
    const weights = base.files.map((file) => ({
      name: exportedName(path.basename(file.file)),
      sizeBytes: weightBytes(file, read, dtype),
    }));
    const index = base.index ? [{ name: INDEX_FILE, sizeBytes: JSON.stringify(base.index, null, 2).length }] : [];
    return [...sideFilesOf(base.dir), ...weights, ...index, { name: CERTIFICATE_FILE, sizeBytes: CERTIFICATE_BYTES }];
  } finally {
    base.close();
  }
}

/** A weights file with its model tensors in another type; buffers that the model does not read keep theirs. */
function weightBytes(file: WeightFile, read: Set<string>, dtype: DtypeName | undefined): number {
  return [...file.tensors.values()].reduce((sum, info) => {
    const to = dtype && read.has(info.name) ? FLOAT_DTYPES[dtype] : info.dtype;
    return sum + elementCount(info) * DTYPE_BYTES[to] - info.byteLength;
  }, file.sizeBytes);
}
