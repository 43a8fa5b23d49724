/** Runs an export to its end and says what was written and proven: for `export`, `merge` and `demo`. */
import path from 'node:path';
import { counted } from '../../../src-shared/plural.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { EXPORT_FORMAT_FACTS, referenceName } from '../../../src-shared/exportFormats.ts';
import type { ParityCertificate, WrittenGguf } from '../../../src-shared/exports.ts';
import type { GgufRun } from '../../../src-shared/ggufCertificate.ts';
import { runLines } from '../../../src-shared/runLines.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import type { ExportRecord, ExportResult } from '../../catalog/exports.ts';
import type { ExportRequest } from '../../app/exports/request.ts';
import { numbersPerAdapter } from './perAdapter.ts';
import type { Context } from './command.ts';
import { ADAPTER_OPTION } from './command.ts';
import { bytes, shareSayer } from './format.ts';
import { adapterOf, type FoundAdapter } from './resolve.ts';

/** `--adapter` and `--scale`, both repeatable. */
export const ADAPTERS_OPTIONS = {
  adapter: { ...ADAPTER_OPTION, multiple: true, help: `${ADAPTER_OPTION.help}; repeatable: base + the sum of all` },
  scale: {
    type: 'string',
    multiple: true,
    value: 'X',
    help: 'factor on the adapter, negative to take it away; one per --adapter (1)',
  },
} as const;

/** The adapters with their scales; `tasks` only where there is more than one adapter as it is. */
export function readTasks({ args, services }: Context): { adapter: FoundAdapter; tasks: ExportRequest['tasks'] } {
  const adapters = args.texts('adapter').map((text) => adapterOf(services, text));
  const scales = numbersPerAdapter(args, 'scale', adapters.length);
  const adapter = adapters[0]!;
  if (adapters.length === 1 && scales[0] === 1) return { adapter, tasks: undefined };
  return { adapter, tasks: adapters.map(({ dir }, i) => ({ adapterDir: dir, scale: scales[i]! })) };
}

/** `parity`: of a merged Hugging Face folder. Throws the error of a failed export. */
export async function exportToEnd(
  { services, print, say }: Pick<Context, 'services' | 'print' | 'say'>,
  request: ExportRequest,
) {
  const notes = await services.exports.notes(request);
  const started = await services.exports.start(request);
  const sayShare = {
    merge: shareSayer(say, EXPORT_FORMAT_FACTS[request.format].quantised ? 'writing' : 'merging'),
    verify: shareSayer(say, 'verifying'),
    copy: shareSayer(say, 'copying'),
  };
  const unsubscribe = services.exports.subscribe(started.id, (event) => {
    if (event.type === 'progress') sayShare[event.phase](event.done / event.total);
  });
  const record = await services.exports.finished(started.id);
  unsubscribe();
  const result = resultOf(record);
  for (const note of notes) print(note);
  const { certificate, ggufs = [], files, sizeBytes, sha256, outDir, plainLora, baseGguf } = result;
  const of = certificate?.dtype ?? record.quantise?.join(', ') ?? record.format;
  print(`${outDir}: ${counted(files.length, 'file')}, ${bytes(sizeBytes)}, ${of}`);
  if (certificate) printParity(print, certificate, path.join(outDir, CERTIFICATE_FILE));
  for (const gguf of ggufs) printGguf(print, gguf, referenceName(record));
  const run = runLines({ ...record, files, ggufs, plainLora, baseGguf }, process.platform);
  for (const { label, line } of run) print(`Run it in ${label}: ${line}`);
  const report = { exportId: record.id, format: record.format, outDir, files, bytes: sizeBytes, sha256, run, notes };
  return {
    report: { ...report, ...(ggufs.length > 0 ? { ggufs } : {}) },
    parity: certificate && parityReport(certificate, outDir),
  };
}

function resultOf(record: ExportRecord): ExportResult {
  if (record.result) return record.result;
  throw GraftError.fromData(
    record.error ?? { code: 'INTERNAL', message: `The export ${record.id} ended without a result.` },
  );
}

function parityReport(certificate: ParityCertificate, outDir: string) {
  const { maxLogitDifference, equalGreedyShare, tolerance, rounding = 0 } = certificate;
  const { dtype, engine, tokensCompared, reading, passed } = certificate;
  return {
    maxLogitDifference,
    equalGreedyShare,
    tolerance,
    rounding,
    tokensCompared,
    passed,
    reading,
    dtype,
    engine,
    certificate: path.join(outDir, CERTIFICATE_FILE),
  };
}

function printParity(print: Context['print'], certificate: ParityCertificate, file: string): void {
  const { maxLogitDifference, tolerance, rounding = 0, equalGreedyShare, reading, passed } = certificate;
  print(
    `Parity with ${referenceName(certificate)}: largest logit difference ${maxLogitDifference.toExponential(2)} ` +
      `(tolerance ${tolerance.toPrecision(3)}; rounding alone makes ${rounding.toPrecision(3)}), ` +
      `${(100 * equalGreedyShare).toFixed(1)} % equal greedy tokens`,
  );
  if (reading)
    print(
      `Second reading: ${reading.tensors} tensors (${reading.unchanged} byte for byte, ${reading.cast} only rounded, ` +
        `${reading.changed} adapted), ${reading.fields} fields, changed: ${reading.changedFields.join(', ') || 'none'}`,
    );
  for (const problem of reading?.problems ?? []) print(`  ${problem}`);
  print(`Certificate ${passed ? '' : 'FAILED, kept as you allowed: '}${file}`);
}

function printGguf(print: Context['print'], { file, sizeBytes, certificate }: WrittenGguf, against: string): void {
  const { reading, run, passed } = certificate;
  const ran = run
    ? `llama.cpp beside ${against}: KL ${run.kl.toExponential(2)}${boundOf(run)}, ` +
      `${(100 * run.equalGreedyShare).toFixed(1)} % equal greedy tokens, perplexity ${run.perplexity.toPrecision(4)} ` +
      `(${run.referencePerplexity.toPrecision(4)})`
    : 'read back only: llama.cpp is not installed to run it';
  print(`${file}: ${bytes(sizeBytes)}; ${ran}${passed ? '' : '; FAILED, kept as you allowed'}`);
  for (const problem of [...(reading?.problems ?? []), ...(run?.problems ?? [])]) print(`  ${problem}`);
}

/** Of a quantised file the bound is on what its weights' rounding does not explain. */
function boundOf({ fileKl, klBound }: GgufRun): string {
  const bound = `(bound ${klBound.toPrecision(2)})`;
  return fileKl === null ? ` ${bound}` : `, ${fileKl.toExponential(2)} beside Graft's engine on the same file ${bound}`;
}
