/** An adapter folder of any method and either format, read and checked as far as it can be without its base model. */
import type { AdapterContent, Base } from './content.ts';
import type { AdapterFile } from './files.ts';
import type { GraftAdapterInfo } from './graftInfo.ts';

export interface StoredAdapter {
  /** Absolute path. */
  dir: string;
  /** Absent for adapters made outside Graft. */
  graft?: GraftAdapterInfo;
  /** How its configuration calls the base model; null where it does not. */
  baseName: string | null;
  /** Of the weights file; computed when first asked for. */
  readonly sha256: string;
  sizeBytes: number;
  /** What it does to a base. Throws GraftError ADAPTER_NO_MODULE or ADAPTER_SHAPE when the base has no such layer. */
  on(base: Base): AdapterContent;
}

export function storedFrom(
  file: AdapterFile,
  baseName: string | null | undefined,
  on: StoredAdapter['on'],
): StoredAdapter {
  const { dir, graft, sizeBytes } = file;
  return {
    dir,
    ...(graft ? { graft } : {}),
    baseName: baseName ?? null,
    sizeBytes,
    get sha256() {
      return file.sha256;
    },
    on,
  };
}
