/**
 * How an export ended whose process is gone: its folder appears by one rename, so it is there whole or not at all. A
 * row that the catalogue did not take, because it was locked or full, is told by the folder then.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ADAPTER_WEIGHTS } from '../../adapters/files.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import type { ExportEnd, ExportRecord } from '../../catalog/exports.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { parseJson } from '../../files/parseJson.ts';
import type { ParityCertificate } from '../../../src-shared/exports.ts';
import { completed, EXPORT_ABANDONED, failed } from './ends.ts';
import { adapterFiles } from './planned.ts';

/** `adapterSha256`: of the adapter's weights, as the catalogue knows it. Never throws. */
export function endOfAbandoned(record: ExportRecord, adapterSha256: string | undefined): ExportEnd {
  try {
    const { format, outDir } = record;
    const certificate = format === 'hf' ? certificateOf(record) : null;
    if (certificate === undefined || (format === 'peft' && !fs.existsSync(path.join(outDir, ADAPTER_WEIGHTS))))
      return failed(EXPORT_ABANDONED);
    const files = adapterFiles(outDir);
    return completed({
      outDir,
      files: files.map(({ name }) => name).sort(),
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      // Of a merged model only the process that wrote it knew it without reading it all again.
      sha256: format === 'peft' ? (adapterSha256 ?? '') : '',
      certificate,
    });
  } catch {
    return failed(EXPORT_ABANDONED);
  }
}

/** Undefined where there is none of this export. */
function certificateOf({ outDir, createdAt }: ExportRecord): ParityCertificate | undefined {
  const file = path.join(outDir, CERTIFICATE_FILE);
  const read = parseJson(readForeignText(file));
  if (!('value' in read)) return undefined;
  const certificate = read.value as Partial<ParityCertificate> | null;
  const isOurs = typeof certificate?.passed === 'boolean' && (certificate.createdAt ?? '') >= createdAt;
  return isOurs ? (certificate as ParityCertificate) : undefined;
}
