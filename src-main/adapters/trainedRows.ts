/** The kind of rows that adapters were trained on. */
import type { DatasetKind } from '../../src-shared/datasets.ts';
import { readGraftInfo } from './files.ts';

/** Undefined where an adapter does not say, as those made elsewhere, or where two of them differ. */
export function trainedRows(adapterDirs: readonly string[]): DatasetKind | undefined {
  const kinds = new Set(adapterDirs.map((dir) => readGraftInfo(dir)?.rows));
  return kinds.size === 1 ? [...kinds][0] : undefined;
}
