/** The work of an export by its format. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportResult } from '../../catalog/exports.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { copyAdapter } from './copy.ts';
import { mergeInWorker } from './merge.ts';
import type { ExportRequest } from './request.ts';

export interface ExportProgress {
  /** merge and copy: bytes; verify: prompts. */
  phase: 'merge' | 'verify' | 'copy';
  done: number;
  total: number;
}

/** Throws what the work throws; an abort leaves nothing behind. */
export function writeExport(
  parts: { catalog: Catalog; workers: Workers; engines: EngineService },
  request: ExportRequest,
  control: { signal: AbortSignal; onProgress(progress: ExportProgress): void },
): Promise<ExportResult> {
  const { format, adapterId, adapterDir, outDir } = request;
  if (format !== 'peft') return mergeInWorker(parts, request, control);
  const adapter = adapterId === null ? undefined : parts.catalog.adapters.get(adapterId);
  return copyAdapter(adapterDir, outDir, {
    sha256: adapter?.sha256 ?? '',
    signal: control.signal,
    onProgress: (done, total) => control.onProgress({ phase: 'copy', done, total }),
  });
}
