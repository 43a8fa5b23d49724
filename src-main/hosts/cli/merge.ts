/** `merge`: base + adapter as one complete model, proven against base + adapter. */
import { counted } from '../../../src-shared/plural.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import path from 'node:path';
import type { ExportRecord } from '../../catalog/exports.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { look } from '../../app/looking/look.ts';
import type { MergeRequest } from '../../app/exports/merge.ts';
import { ADAPTER_OPTION, ENGINE_OPTION, MODEL_OPTION } from './command.ts';
import type { Command, Context } from './command.ts';
import { bytes, shareSayer } from './format.ts';
import { numbersPerAdapter } from './perAdapter.ts';
import { adapterOf, baseDirFor, type FoundAdapter } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const merge: Command = {
  name: 'merge',
  positionals: [],
  summary: 'Merges an adapter into its base model as a complete Hugging Face folder with a parity certificate.',
  options: {
    adapter: { ...ADAPTER_OPTION, multiple: true, help: `${ADAPTER_OPTION.help}; repeatable: base + the sum of all` },
    scale: {
      type: 'string',
      multiple: true,
      value: 'X',
      help: 'factor on the adapter, negative to take it away; one per --adapter (1)',
    },
    model: { ...MODEL_OPTION, help: 'folder of the base model (the one it was trained on)' },
    out: { type: 'string', value: 'DIR', help: 'new folder; it must not exist' },
    dtype: { type: 'string', value: 'NAME', help: 'f32, f16 or bf16 (as the base)' },
    'allow-failed-certificate': {
      type: 'boolean',
      help: 'keep the folder even if its certificate fails, marked as such',
    },
    engine: ENGINE_OPTION,
  },
  async run(context) {
    const { args, services } = context;
    const { adapter, tasks } = readTasks(context);
    const outDir = args.required('out', 'a new folder');
    return mergeToEnd(context, {
      adapterId: adapter.id,
      adapterDir: adapter.dir,
      tasks,
      modelDir: baseDirFor(services, args.text('model'), adapter),
      outDir,
      dtype: args.choice('dtype', ['f32', 'f16', 'bf16']),
      engine: readSettings(args, COMPUTE_SETTINGS).engine,
      allowFailedCertificate: args.flag('allow-failed-certificate'),
    });
  },
};

/** The adapters with their scales; `tasks` only where there is more than one adapter as it is. */
function readTasks({ args, services }: Context): { adapter: FoundAdapter; tasks: MergeRequest['tasks'] } {
  const adapters = args.texts('adapter').map((text) => adapterOf(services, text));
  const scales = numbersPerAdapter(args, 'scale', adapters.length);
  const adapter = adapters[0]!;
  if (adapters.length === 1 && args.texts('scale').length === 0) return { adapter, tasks: undefined };
  return { adapter, tasks: adapters.map(({ dir }, i) => ({ adapterDir: dir, scale: scales[i]! })) };
}

/** Runs an export and returns the result of the command. Throws the error of a failed one. */
export async function mergeToEnd(
  { services, print, say }: Pick<Context, 'services' | 'print' | 'say'>,
  request: MergeRequest,
) {
  const adapterDirs = request.tasks?.map(({ adapterDir }) => adapterDir) ?? [request.adapterDir];
  const notes = await look('mergeNotes', [request.modelDir, adapterDirs]);
  const started = await services.exports.start(request);
  const sayShare = { merge: shareSayer(say, 'merging'), verify: shareSayer(say, 'verifying') };
  const unsubscribe = services.exports.subscribe(started.id, (event) => {
    if (event.type === 'progress' && event.phase !== 'copy') sayShare[event.phase](event.done / event.total);
  });
  const record = await services.exports.finished(started.id);
  unsubscribe();
  const report = { ...reportOf(record), notes };
  for (const note of notes) print(note);
  print(`${report.outDir}: ${counted(report.files.length, 'file')}, ${bytes(report.bytes)}, ${report.dtype}`);
  print(
    `Parity with base + adapter: largest logit difference ${report.maxLogitDifference.toExponential(2)} ` +
      `(tolerance ${report.tolerance.toPrecision(3)}; rounding alone makes ${report.rounding.toPrecision(3)}), ` +
      `${(100 * report.equalGreedyShare).toFixed(1)} % equal greedy tokens`,
  );
  const { reading } = report;
  if (reading)
    print(
      `Second reading: ${reading.tensors} tensors (${reading.unchanged} byte for byte, ${reading.cast} only rounded, ` +
        `${reading.changed} adapted), ${reading.fields} fields, changed: ${reading.changedFields.join(', ') || 'none'}`,
    );
  for (const problem of reading?.problems ?? []) print(`  ${problem}`);
  print(`Certificate ${report.passed ? '' : 'FAILED, kept as you allowed: '}${report.certificate}`);
  return report;
}

function reportOf(record: ExportRecord) {
  if (!record.result?.certificate)
    throw GraftError.fromData(
      record.error ?? { code: 'INTERNAL', message: `The export ${record.id} ended without a result.` },
    );
  const { certificate, files, sizeBytes, sha256, outDir } = record.result;
  const { maxLogitDifference, equalGreedyShare, tolerance, rounding = 0 } = certificate;
  const { dtype, engine, tokensCompared, reading, passed } = certificate;
  return {
    exportId: record.id,
    outDir,
    files,
    bytes: sizeBytes,
    sha256,
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
