/** Adapters of other runtimes become PEFT adapters on the base that they are for. */
import { readForeignLora, writeAsPeft } from '../../adapters/formats/foreign.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { GraftError } from '../../../src-shared/errors.ts';

export interface Conversion {
  /** The folder or file of the other runtime. */
  from: string;
  /** Of its weights when it was looked at. */
  sha256: string;
  modelDir: string;
  /** New folder, which appears whole or not at all. */
  outDir: string;
}

/** Throws as readForeignLora and writeAsPeft, and COPY_DIFFERS where the file has changed since. */
export async function convertAdapter({ from, sha256, modelDir, outDir }: Conversion): Promise<WrittenFile> {
  const foreign = readForeignLora(from);
  if (foreign?.sha256 !== sha256)
    throw new GraftError(
      'COPY_DIFFERS',
      `The weights in ${from} have changed while they were read; try again when nothing writes to them.`,
      { from, want: sha256, got: foreign?.sha256 ?? null },
    );
  const base = openBaseModel(modelDir);
  try {
    return await writeAsPeft(foreign, base, outDir);
  } finally {
    base.close();
  }
}
