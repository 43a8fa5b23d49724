/** Adapters of other runtimes become PEFT adapters on the base that they are for, and PyTorch's files safetensors. */
import { readAdapterFile, writeAdapterFile } from '../../adapters/files.ts';
import { readForeignLora, writeAsPeft, type ForeignOptions } from '../../adapters/formats/foreign.ts';
import { keptTemplate } from '../../adapters/keptTemplate.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { parseJson } from '../../files/parseJson.ts';
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
  options?: ForeignOptions;
}

/** Throws as readForeignLora and writeAsPeft, and COPY_DIFFERS where the file has changed since. */
export async function convertAdapter(conversion: Conversion): Promise<WrittenFile> {
  const { from, modelDir, outDir, options } = conversion;
  const foreign = readForeignLora(from, options);
  if (!foreign) return rewritten(conversion);
  refuseChanged(conversion, foreign.sha256);
  const base = openBaseModel(modelDir);
  try {
    return await writeAsPeft(foreign, base, outDir);
  } finally {
    base.close();
  }
}

/** A folder of PEFT's with its weights as safetensors; its configuration stays as it is. */
async function rewritten(conversion: Conversion): Promise<WrittenFile> {
  const { configText, tensors, graft, sha256 } = readAdapterFile(conversion.from);
  refuseChanged(conversion, sha256);
  const json = parseJson(configText ?? '{}');
  const config = 'value' in json ? (json.value as Record<string, unknown>) : {};
  const chatTemplate = keptTemplate(conversion.from)?.template;
  return writeAdapterFile(conversion.outDir, { config, tensors, graft, chatTemplate });
}

function refuseChanged({ from, sha256 }: Conversion, got: string): void {
  if (got !== sha256)
    throw new GraftError(
      'COPY_DIFFERS',
      `The weights in ${from} have changed while they were read; try again when nothing writes to them.`,
      { from, want: sha256, got },
    );
}
