/** `export`: adapters, or a model as it is, out of Graft in the format of whatever runs them next. */
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { EXPORT_FORMATS, QUANTISATIONS, type ExportFormat, type Quantisation } from '../../../src-shared/exports.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { isWholeModel } from '../../adapters/files.ts';
import { NO_ADAPTERS, type ExportRequest } from '../../app/exports/request.ts';
import type { Services } from '../../app/services.ts';
import { parseShardSize } from '../../basemodel/shards.ts';
import { bad, type Args } from './args.ts';
import { ENGINE_OPTION, MODEL_OPTION, type Command, type Context } from './command.ts';
import { ADAPTERS_OPTIONS, exportToEnd, readTasks } from './exportToEnd.ts';
import { baseDirFor, knownBaseDir, modelDirOf, tunedOf } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const exportCommand: Command = {
  name: 'export',
  positionals: [],
  summary:
    'Writes an adapter, base and adapter in one, or a model, for another runtime, with a certificate of sameness.',
  options: {
    ...ADAPTERS_OPTIONS,
    model: {
      ...MODEL_OPTION,
      help: 'the base (the one that the adapter was trained on); without --adapter what is written',
    },
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
    const { args } = context;
    const format = args.choice('format', EXPORT_FORMATS) ?? requiredFormat();
    const quantise = quantisationsOf(args);
    const what = readWhat(context, format);
    const shard = args.text('shard');
    const { report, parity } = await exportToEnd(context, {
      format,
      ...what,
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

type What = Pick<ExportRequest, 'adapterId' | 'adapterDir' | 'tasks' | 'modelDir'>;

/** Adapters with their base, or a model as it is: named by --model alone, or as what full fine-tuning made. */
function readWhat(context: Context, format: ExportFormat): What {
  const { args, services } = context;
  const model = args.text('model');
  const [named, ...others] = args.texts('adapter');
  if (named === undefined) return asItIs(args, modelDirAlone(services, model));
  const found = others.length === 0 ? tunedOf(services, named) : undefined;
  if (found && isWholeModel(found.dir)) {
    if (model !== undefined)
      throw usageError('BAD_USAGE', `${named} is a whole model, which is written without another; leave out --model.`);
    return asItIs(args, found.dir);
  }
  const { adapter, tasks } = readTasks(context);
  // A copy of the adapter needs no base; where it is known, the line that runs both can name it.
  const modelDir =
    format === 'peft' ? (knownBaseDir(services, model, adapter) ?? '') : baseDirFor(services, model, adapter);
  return { adapterId: adapter.id, adapterDir: adapter.dir, tasks, modelDir };
}

function modelDirAlone(services: Services, model: string | undefined): string {
  if (model !== undefined) return modelDirOf(services, model);
  throw usageError('BAD_USAGE', 'Give an adapter with --adapter, or a model to write as it is with --model.', {
    option: 'adapter',
  });
}

function asItIs(args: Args, modelDir: string): What {
  if (args.texts('scale').length > 0)
    throw usageError('BAD_USAGE', '--scale is the factor on an adapter, and a model as it is has none; leave it out.', {
      option: 'scale',
    });
  return { ...NO_ADAPTERS, modelDir };
}

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
