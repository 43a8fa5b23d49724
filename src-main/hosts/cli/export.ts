/** `export`: adapters out of Graft in the format of whatever runs them next. */
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { EXPORT_FORMATS, QUANTISATIONS, type ExportFormat, type Quantisation } from '../../../src-shared/exports.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { parseShardSize } from '../../basemodel/shards.ts';
import { bad, type Args } from './args.ts';
import { ENGINE_OPTION, MODEL_OPTION, type Command } from './command.ts';
import { ADAPTERS_OPTIONS, exportToEnd, readTasks } from './exportToEnd.ts';
import { baseDirFor, knownBaseDir } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const exportCommand: Command = {
  name: 'export',
  positionals: [],
  summary:
    'Writes an adapter, or base and adapter in one, for another runtime, with a certificate that it is the same.',
  options: {
    ...ADAPTERS_OPTIONS,
    model: { ...MODEL_OPTION, help: 'folder of the base model (the one it was trained on)' },
    format: { type: 'string', value: 'NAME', help: EXPORT_FORMATS.join(', ') },
    out: { type: 'string', value: 'PATH', help: 'new folder, or of gguf and lora-gguf a new file.gguf' },
    quantize: {
      type: 'string',
      multiple: true,
      value: 'LIST',
      help: `of gguf, ollama, lmstudio: ${QUANTISATIONS.join(', ')} (Q8_0); gguf and lmstudio: several`,
    },
    dtype: { type: 'string', value: 'NAME', help: 'of hf: f32, f16 or bf16 (as the base)' },
    shard: { type: 'string', value: 'SIZE', help: 'of hf: largest weights file, such as 5GB (files as the base has)' },
    'allow-failed-certificate': {
      type: 'boolean',
      help: 'keep the export even if its certificate fails, marked as such',
    },
    engine: ENGINE_OPTION,
  },
  async run(context) {
    const { args, services } = context;
    const format = args.choice('format', EXPORT_FORMATS) ?? requiredFormat();
    const quantise = quantisationsOf(args);
    const { adapter, tasks } = readTasks(context);
    const model = args.text('model');
    const shard = args.text('shard');
    const { report, parity } = await exportToEnd(context, {
      format,
      adapterId: adapter.id,
      adapterDir: adapter.dir,
      tasks,
      // A copy of the adapter needs no base; where it is known, the line that runs both can name it.
      modelDir:
        format === 'peft' ? (knownBaseDir(services, model, adapter) ?? '') : baseDirFor(services, model, adapter),
      outDir: args.required('out', 'a new folder or file'),
      dtype: args.choice('dtype', ['f32', 'f16', 'bf16']),
      quantise,
      maxShardBytes: shard === undefined ? undefined : parseShardSize(shard),
      engine: readSettings(args, COMPUTE_SETTINGS).engine,
      allowFailedCertificate: args.flag('allow-failed-certificate'),
    });
    return { ...report, ...parity };
  },
};

function requiredFormat(): ExportFormat {
  throw usageError('BAD_USAGE', `--format is missing; give one of ${EXPORT_FORMATS.join(', ')}.`, { option: 'format' });
}

/** `--quantize Q8_0,Q4_K_M` or repeated, in any case of letters. */
function quantisationsOf(args: Args): Quantisation[] | undefined {
  const names = args.texts('quantize').flatMap((text) => text.split(','));
  if (names.length === 0) return undefined;
  return names.map((name) => {
    const found = QUANTISATIONS.find((known) => known === name.trim().toUpperCase());
    if (!found) throw bad('quantize', name, `one or several of ${QUANTISATIONS.join(', ')}`);
    return found;
  });
}
