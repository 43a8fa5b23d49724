/** `merge`: base + adapter as one complete model, proven; the short form of `export --format hf`. */
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { ENGINE_OPTION, MODEL_OPTION, type Command } from './command.ts';
import { ADAPTERS_OPTIONS, exportToEnd, readTasks } from './exportToEnd.ts';
import { baseDirFor } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const merge: Command = {
  name: 'merge',
  positionals: [],
  summary: 'Merges an adapter into its base model as a complete Hugging Face folder with a parity certificate.',
  options: {
    ...ADAPTERS_OPTIONS,
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
    const { report, parity } = await exportToEnd(context, {
      format: 'hf',
      adapterId: adapter.id,
      adapterDir: adapter.dir,
      tasks,
      modelDir: baseDirFor(services, args.text('model'), adapter),
      outDir,
      dtype: args.choice('dtype', ['f32', 'f16', 'bf16']),
      engine: readSettings(args, COMPUTE_SETTINGS).engine,
      allowFailedCertificate: args.flag('allow-failed-certificate'),
    });
    return { ...report, ...parity };
  },
};
