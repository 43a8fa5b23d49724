/** `generate`: continues a prompt; the text streams to stdout. */
import { counted } from '../../../src-shared/plural.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { generateSchema } from '../../app/playground/inputs.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { GenerateParams } from '../../../src-shared/generation.ts';
import { ADAPTER_OPTION, COMPUTE_OPTIONS, MODEL_OPTION } from './command.ts';
import type { Command, Context } from './command.ts';
import { adapterOf, baseDirFor } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const generate: Command = {
  name: 'generate',
  positionals: [],
  summary: 'Continues a prompt with a model, with or without an adapter.',
  options: {
    model: MODEL_OPTION,
    adapter: ADAPTER_OPTION,
    merged: { type: 'boolean', help: 'merge the adapter into the weights in memory: no added time per token' },
    compare: {
      type: 'string',
      value: 'A,B,…',
      help: 'the base and each of these adapters (ids or folders) on the same prompt, plain LoRAs in one batch',
    },
    prompt: { type: 'string', value: 'TEXT', help: 'text to continue' },
    chat: { type: 'boolean', help: "put the prompt through the model's chat template" },
    'as-trained': {
      type: 'boolean',
      help: "put the prompt as the adapter's training put its questions (its prompt template)",
    },
    'control-tokens': {
      type: 'boolean',
      help: 'with --chat or --as-trained: control tokens of the model that the prompt spells out are tokens, not text',
    },
    'max-new': { type: 'string', value: 'N', help: 'tokens to generate at most (64)' },
    temperature: { type: 'string', value: 'X', help: '0 takes the likeliest token (0)' },
    'top-k': { type: 'string', value: 'N', help: 'sample among the N likeliest tokens' },
    'top-p': { type: 'string', value: 'X', help: 'sample among the likeliest tokens of total probability X' },
    'repetition-penalty': {
      type: 'string',
      value: 'X',
      help: 'make tokens that have appeared less likely (1 leaves them alone)',
    },
    seed: { type: 'string', value: 'N', help: 'seed of the sampling' },
    stop: { type: 'string', multiple: true, value: 'TEXT', help: 'end at this text; repeatable' },
    ...COMPUTE_OPTIONS,
  },
  async run(context) {
    const { args } = context;
    const stop = args.texts('stop');
    const params = generateSchema.parse({
      prompt: args.required('prompt', 'the text to continue'),
      chat: args.flag('chat'),
      asTrained: args.flag('as-trained'),
      controlTokens: args.flag('control-tokens'),
      maxNew: args.integer('max-new'),
      temperature: args.number('temperature'),
      topK: args.integer('top-k'),
      topP: args.number('top-p'),
      repetitionPenalty: args.number('repetition-penalty'),
      seed: args.integer('seed'),
      ...(stop.length > 0 ? { stop } : {}),
    });
    const compared = args.text('compare');
    return compared === undefined ? one(context, params) : compare(context, params, compared.split(','));
  },
};

async function one({ args, services, write, say }: Context, params: GenerateParams): Promise<object> {
  const adapterText = args.text('adapter');
  const adapter = adapterText === undefined ? undefined : adapterOf(services, adapterText);
  if (params.asTrained && !adapter)
    throw usageError('BAD_USAGE', '--as-trained needs an adapter; name one with --adapter.', { option: 'as-trained' });
  const { engine, ...forms } = readSettings(args, COMPUTE_SETTINGS);
  const load = await services.playground.loadDir(baseDirFor(services, args.text('model'), adapter), engine, forms);
  if (args.flag('merged') && !adapter)
    throw usageError('BAD_USAGE', '--merged needs an adapter; name one with --adapter.', { option: 'merged' });
  const switched =
    adapter &&
    (await (args.flag('merged')
      ? services.playground.mergeDir(adapter.dir)
      : services.playground.attachDir(adapter.dir)));
  const result = await services.playground.generate(params, ({ text }) => write(text)).promise;
  write('\n');
  say(
    `${counted(result.tokens, 'token')}, ${result.tokensPerSecond.toFixed(1)} tokens/s on ` +
      `${load.engine} (${result.stopReason})`,
  );
  return {
    prompt: params.prompt,
    ...result,
    engine: load.engine,
    device: load.device,
    switchMs: switched?.switchMs ?? null,
  };
}

/** The base first, then the adapters as named. */
async function compare(
  { args, services, print, say }: Context,
  params: GenerateParams,
  names: string[],
): Promise<object> {
  if (args.flag('merged'))
    throw usageError('BAD_USAGE', '--compare and --merged cannot be combined; only one adapter can be merged.', {
      option: 'merged',
    });
  if (args.text('adapter') !== undefined)
    throw usageError('BAD_USAGE', '--compare and --adapter cannot be combined; name every adapter in --compare.');
  const adapters = names.map((name) => adapterOf(services, name));
  const { engine, ...forms } = readSettings(args, COMPUTE_SETTINGS);
  const load = await services.playground.loadDir(baseDirFor(services, args.text('model'), adapters[0]), engine, forms);
  const results = await services.playground.compare(params, [null, ...adapters.map(({ dir }) => dir)]).promise;
  const rows = results.map((result, row) => ({ adapter: row === 0 ? null : names[row - 1]!, ...result }));
  for (const { adapter, text } of rows) print(`${adapter ?? 'base'}: ${text}`);
  const tokensPerSecond = rows.reduce((sum, row) => sum + row.tokensPerSecond, 0);
  say(`${rows.length} answers, ${tokensPerSecond.toFixed(1)} tokens/s on ${load.engine}`);
  return { prompt: params.prompt, rows, engine: load.engine, device: load.device };
}
