/** `eval`: loss and perplexity of a model, with or without an adapter, on a dataset file. */
import path from 'node:path';
import { dataSpecSchema, runSpecSchema } from '../../../src-shared/runSpec.ts';
import type { Args } from './args.ts';
import { BASE_DTYPES, type BaseDtype } from '../../../src-shared/baseDtypes.ts';
import {
  ADAPTER_OPTION,
  BASE_DTYPE_OPTION,
  DATA_OPTIONS,
  ENGINE_OPTION,
  LOSS_OPTIONS,
  MODEL_OPTION,
} from './command.ts';
import type { Command } from './command.ts';
import { count, scores, shareSayer } from './format.ts';
import { adapterOf, baseDirFor } from './resolve.ts';

export const evaluate: Command = {
  name: 'eval',
  positionals: [],
  summary:
    'Loss and perplexity of a model, with or without an adapter, on a dataset; accuracy and F1 of an adapter ' +
    'that classifies.',
  options: {
    model: MODEL_OPTION,
    adapter: ADAPTER_OPTION,
    data: { type: 'string', value: 'FILE', help: 'dataset file' },
    ...DATA_OPTIONS,
    ...LOSS_OPTIONS,
    batch: { type: 'string', value: 'N', help: 'examples at a time (4)' },
    engine: ENGINE_OPTION,
    'base-dtype': BASE_DTYPE_OPTION,
  },
  async run({ args, services, print, say }) {
    const file = path.resolve(args.required('data', 'a dataset file'));
    const adapterText = args.text('adapter');
    const adapter = adapterText === undefined ? undefined : adapterOf(services, adapterText);
    const modelDir = baseDirFor(services, args.text('model'), adapter);
    const engine = await services.engines.resolve(readEngine(args));
    const baseDtype = readBaseDtype(args);
    const params = {
      engine,
      modelDir,
      ...(baseDtype ? { baseDtype } : {}),
      ...(adapter ? { adapterDir: adapter.dir } : {}),
      data: dataSpec(file, args),
      batch: args.integer('batch') ?? 4,
    };
    const sayShare = shareSayer(say, 'evaluating');
    const result = await services.workers.once('evaluate', params, ({ done, total }) => sayShare(done / total));
    if (result.scores)
      print(
        `loss ${result.loss.toFixed(6)}, ${scores(result.scores)} over ${count(result.rows)} rows of ` +
          `${result.scores.labels.join(', ')} (${engine})`,
      );
    else
      print(
        `loss ${result.loss.toFixed(6)}, perplexity ${result.perplexity.toFixed(3)} over ` +
          `${count(result.tokens)} tokens in ${count(result.rows)} rows (${engine})`,
      );
    return { ...result, engine, baseDtype: baseDtype ?? 'f32', modelDir, adapterDir: adapter?.dir ?? null };
  },
};

export function readEngine(args: Args): 'auto' | 'tensorflow' | 'webgpu' | 'wasm' {
  return args.choice('engine', runSpecSchema.shape.engine.unwrap().options) ?? 'auto';
}

export function readBaseDtype(args: Args): BaseDtype | undefined {
  return args.choice('base-dtype', BASE_DTYPES);
}

/** The reading rules of a file as DATA_OPTIONS and LOSS_OPTIONS say. */
export function dataSpec(file: string, args: Args) {
  return dataSpecSchema.parse({
    file,
    format: args.choice('format', ['jsonl', 'json', 'csv']),
    map: args.record('map'),
    lossOn: args.choice('loss-on', ['completion', 'all']),
    maxLength: args.integer('max-length'),
  });
}
