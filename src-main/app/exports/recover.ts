/**
 * How an export ended whose process is gone: its folder appears by one rename, so it is there whole or not at all. A
 * row that the catalogue did not take, because it was locked or full, is told by the folder then.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ADAPTER_WEIGHTS, MLX_WEIGHTS } from '../../adapters/files.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import type { ExportEnd, ExportRecord, ExportResult } from '../../catalog/exports.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { parseJson } from '../../files/parseJson.ts';
import { certificateBeside, EXPORT_FORMAT_FACTS, isGgufName, isOneFile } from '../../../src-shared/exportFormats.ts';
import type { GgufParity, ParityCertificate } from '../../../src-shared/exports.ts';
import { completed, EXPORT_ABANDONED, failed } from './ends.ts';
import { adapterFiles } from './planned.ts';

/** `adapterSha256`: of the adapter's weights, as the catalogue knows it. Never throws. */
export function endOfAbandoned(record: ExportRecord, adapterSha256: string | undefined): ExportEnd {
  const proof = proofOf(record);
  if (proof) return completed({ ...writtenBy(record, adapterSha256), ...proof });
  removeCertificateAlone(record);
  return failed(EXPORT_ABANDONED);
}

/** Files and sizes as they lie there. */
function writtenBy(record: ExportRecord, adapterSha256: string | undefined): Omit<ExportResult, 'certificate'> {
  const { format, outDir } = record;
  const files = isOneFile(record)
    ? [outDir, certificateBeside(outDir)]
        .filter((file) => fs.existsSync(file))
        .map((file) => ({ name: path.basename(file), sizeBytes: fs.statSync(file).size }))
    : adapterFiles(outDir);
  return {
    outDir,
    files: files.map(({ name }) => name).sort(),
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    // Of all else only the process that wrote it knew it without reading it all again.
    sha256: format === 'peft' ? (adapterSha256 ?? '') : '',
  };
}

/** What shows that the export is there, with its certificates; undefined where it is not. */
function proofOf(record: ExportRecord): Pick<ExportResult, 'certificate' | 'ggufs'> | undefined {
  try {
    if (EXPORT_FORMAT_FACTS[record.format].holds === 'adapter')
      return hasAdapter(record) ? { certificate: null } : undefined;
    if (isOneFile(record) && !fs.existsSync(record.outDir)) return undefined;
    const certificate = certificateOf(record);
    if (!certificate) return undefined;
    return 'ggufs' in certificate ? { certificate: null, ggufs: certificate.ggufs } : { certificate };
  } catch {
    return undefined;
  }
}

function hasAdapter(record: ExportRecord): boolean {
  const { format, outDir } = record;
  if (isOneFile(record)) return fs.existsSync(outDir);
  const names = fs.readdirSync(outDir);
  return format === 'lora-gguf'
    ? names.some(isGgufName)
    : names.includes(format === 'mlx' ? MLX_WEIGHTS : ADAPTER_WEIGHTS);
}

/** Undefined where there is none of this export. */
function certificateOf(record: ExportRecord): ParityCertificate | GgufParity | undefined {
  const read = parseJson(readForeignText(certificateFile(record)));
  if (!('value' in read)) return undefined;
  const certificate = read.value as Partial<ParityCertificate | GgufParity> | null;
  const isOurs = typeof certificate?.passed === 'boolean' && (certificate.createdAt ?? '') >= record.createdAt;
  return isOurs ? (certificate as ParityCertificate | GgufParity) : undefined;
}

function certificateFile(record: ExportRecord): string {
  return isOneFile(record) ? certificateBeside(record.outDir) : path.join(record.outDir, CERTIFICATE_FILE);
}

/** Of one file the certificate takes its place first: by itself it is about nothing. */
function removeCertificateAlone(record: ExportRecord): void {
  try {
    if (isOneFile(record) && !fs.existsSync(record.outDir) && certificateOf(record)) fs.rmSync(certificateFile(record));
  } catch {
    // It is not there, or not ours to remove.
  }
}
