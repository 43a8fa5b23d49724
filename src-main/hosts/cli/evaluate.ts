/** `eval`: loss and perplexity of a model, with or without an adapter, on a dataset file; or a suite of questions. */
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { DataSpec } from '../../../src-shared/runSpec.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import {
  CONTROL_SETTINGS,
  FILE_SETTINGS,
  LOSS_SETTINGS,
  TEMPLATE_SETTINGS,
} from '../../../src-shared/settings/data.ts';
import path from 'node:path';
import type { Args } from './args.ts';
import { ADAPTER_OPTION, COMPUTE_OPTIONS, MODEL_OPTION } from './command.ts';
import type { Command } from './command.ts';
import { optionsOf, readSettings } from './settingOptions.ts';
import { evalSuite } from './evalSuite.ts';
import { scores, shareSayer } from './format.ts';
import { adapterOf, baseDirFor } from './resolve.ts';

export const evaluate: Command = {
  name: 'eval',
  positionals: [],
  summary:
    'Loss and perplexity of a model, with or without an adapter, on a dataset; accuracy and F1 of an adapter ' +
    'that classifies. With --suite: models and adapters compared by fixed questions.',
  options: {
    model: MODEL_OPTION,
    adapter: { ...ADAPTER_OPTION, multiple: true, help: `${ADAPTER_OPTION.help}; repeatable with --suite` },
    suite: { type: 'string', value: 'NAME|ID', help: 'suite of the catalogue, in place of --data' },
    base: { type: 'boolean', help: 'with --suite: measure the plain base too, and compare with it' },
    judge: {
      type: 'string',
      value: 'MODEL',
      help: 'with --suite: this model chooses between the answers of the first two, each shown in both places',
    },
    rubric: { type: 'string', value: 'TEXT', help: 'with --judge: what makes an answer the better one' },
    clean: { type: 'boolean', help: 'with --suite: leave out questions that were trained on' },
    data: { type: 'string', value: 'FILE', help: 'dataset file' },
    ...optionsOf(FILE_SETTINGS),
    ...optionsOf(LOSS_SETTINGS),
    ...optionsOf(TEMPLATE_SETTINGS),
    ...optionsOf(CONTROL_SETTINGS),
    batch: { type: 'string', value: 'N', help: 'examples at a time (4)' },
    ...COMPUTE_OPTIONS,
  },
  async run(context) {
    const { args, services, print, say } = context;
    const suite = args.text('suite');
    if (suite !== undefined) return evalSuite(context, suite);
    refuseSuiteOptions(args);
    const file = path.resolve(args.required('data', 'a dataset file'));
    const [adapterText] = args.texts('adapter');
    const adapter = adapterText === undefined ? undefined : adapterOf(services, adapterText);
    const modelDir = baseDirFor(services, args.text('model'), adapter);
    const { engine: asked, ...forms } = readSettings(args, COMPUTE_SETTINGS);
    const engine = await services.engines.resolve(asked);
    const params = {
      engine,
      modelDir,
      ...forms,
      ...(adapter ? { adapterDir: adapter.dir } : {}),
      data: dataSpec(file, args),
      batch: args.integer('batch') ?? 4,
    };
    const sayShare = shareSayer(say, 'evaluating');
    const result = await services.workers.once('evaluate', params, ({ done, total }) => sayShare(done / total));
    result.notes.forEach(print);
    if (result.scores)
      print(
        `loss ${result.loss.toFixed(6)}, ${scores(result.scores)} over ${counted(result.rows, 'row')} of ` +
          `${result.scores.labels.join(', ')} (${engine})`,
      );
    else
      print(
        `loss ${result.loss.toFixed(6)}, perplexity ${result.perplexity.toFixed(3)} over ` +
          `${counted(result.tokens, 'token')} in ${counted(result.rows, 'row')} (${engine})`,
      );
    const { baseDtype = 'f32', embeddingDtype = 'f32' } = forms;
    return { ...result, engine, baseDtype, embeddingDtype, modelDir, adapterDir: adapter?.dir ?? null };
  },
};

/** Throws a usage error BAD_USAGE. */
function refuseSuiteOptions(args: Args): void {
  const named =
    ['base', 'clean'].find((name) => args.flag(name)) ??
    ['judge', 'rubric'].find((name) => args.text(name) !== undefined);
  if (named !== undefined || args.texts('adapter').length > 1)
    throw usageError(
      'BAD_USAGE',
      `${named === undefined ? 'Several adapters are' : `--${named} is`} for a suite; name one with --suite.`,
    );
}

/** How a file is read, as the options say. */
function dataSpec(file: string, args: Args): DataSpec {
  return {
    file,
    ...readSettings(args, {
      ...FILE_SETTINGS,
      ...LOSS_SETTINGS,
      ...TEMPLATE_SETTINGS,
      ...CONTROL_SETTINGS,
    }),
  };
}
