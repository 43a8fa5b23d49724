/** `serve`: answers OpenAI's API until it is interrupted. */
import { startServingSchema } from '../../app/serving/inputs.ts';
import { ggufBase, likelyBase, type ServedBase } from '../../app/serving/served.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { DEFAULT_SERVING_HOST, DEFAULT_SERVING_PORT, type ServingState } from '../../../src-shared/serving.ts';
import type { Services } from '../../app/services.ts';
import { COMPUTE_OPTIONS } from './command.ts';
import type { Command, Context } from './command.ts';
import { table } from './format.ts';
import { modelDirOf } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

const KEY_VARIABLE = 'GRAFT_API_KEY';

export const serve: Command = {
  name: 'serve',
  positionals: [],
  summary: 'Answers OpenAI\'s API over HTTP: "model" names a task, its active adapter answers.',
  options: {
    model: {
      type: 'string',
      value: 'DIR|ID',
      help: 'the base that answers: a folder, or its name or id in the catalogue (the base of most active adapters)',
    },
    gguf: {
      type: 'string',
      value: 'FILE',
      help: 'a GGUF file in llama.cpp in place of a base: no tasks, JSON by grammar, its own speed',
    },
    port: { type: 'string', value: 'N', help: `port (${DEFAULT_SERVING_PORT}); 0 takes a free one` },
    host: {
      type: 'string',
      value: 'ADDRESS',
      help: `address to listen at (${DEFAULT_SERVING_HOST}: this machine only; 0.0.0.0: every network)`,
    },
    'api-key': {
      type: 'string',
      value: 'KEY|none',
      help: `what clients have to send (${KEY_VARIABLE}, else one that is made and kept); none: nothing`,
    },
    ...COMPUTE_OPTIONS,
  },
  async run(context) {
    const { args, services, json, say } = context;
    const { engine, ...forms } = readSettings(args, COMPUTE_SETTINGS);
    const input = readInput(context, engine);
    const base = await baseFor(services, args.text('model'), args.text('gguf'));
    say(`Loading ${base.name} …`);
    const state = await services.serving.startOn(base, input, forms);
    if (json) process.stdout.write(`${JSON.stringify(facts(state))}\n`);
    else announce(context, state);
    await tellFailures(context);
    return facts(state);
  },
};

function readInput({ args }: Context, engine: string): ReturnType<typeof startServingSchema.parse> {
  const key = args.text('api-key') ?? (process.env[KEY_VARIABLE] || undefined);
  const result = startServingSchema.safeParse({
    engine,
    port: args.integer('port'),
    host: args.text('host'),
    apiKey: key === 'none' ? null : key,
  });
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const option = path[0] === 'apiKey' ? 'api-key' : String(path[0]);
  throw usageError('BAD_USAGE', `--${option} ${message}.`, { option });
}

/** A folder need not be registered. */
async function baseFor(services: Services, text: string | undefined, gguf: string | undefined): Promise<ServedBase> {
  if (gguf !== undefined && text !== undefined)
    throw usageError('BAD_USAGE', '--gguf and --model cannot be combined; a service has one model.');
  if (gguf !== undefined) return ggufBase(gguf);
  if (text === undefined) return likelyBase(services.catalog);
  const dir = modelDirOf(services, text);
  const known = services.catalog.models.byDir(dir);
  if (known) return known;
  const { hash } = await services.models.inspect(dir);
  return { id: null, name: dir, dir, hash };
}

function announce({ print }: Context, state: ServingState): void {
  const { address, apiKey, load, model, tasks, aloneTokensPerSecond: speed } = state;
  print(`Graft serves ${model!.name} at ${address} on ${load!.engine} (${load!.device}).`);
  if (speed !== null) print(`One answer alone: ${speed.toFixed(1)} tokens/s.`);
  print(apiKey === null ? 'No API key is asked for.' : `API key: ${apiKey}`);
  const rows = tasks.map(({ name, adapter, refused }) => [
    name,
    refused === null ? (adapter?.name ?? 'plain base') : 'not served: its adapter belongs to another base',
  ]);
  table(['MODEL', 'ANSWERED BY'], rows).forEach(print);
  const switching =
    load!.engine === 'llama.cpp' ? '' : 'A task that is switched is answered by its new adapter at once. ';
  print(`${switching}Ctrl-C ends the service.`);
}

function facts({ address, apiKey, model, load, tasks, aloneTokensPerSecond }: ServingState): object {
  return { address, apiKey, model, engine: load?.engine, device: load?.device, aloneTokensPerSecond, tasks };
}

/** Until the process is interrupted. */
async function tellFailures({ services, say }: Context): Promise<void> {
  let told = '';
  for await (const { failures, status } of services.serving.watch()) {
    const fresh = failures.filter(({ at }) => at > told).toReversed();
    for (const { at, model, message } of fresh) say(`${at} ${model ?? 'a request'}: ${message}`);
    told = failures[0]?.at ?? told;
    if (status === 'off') return;
  }
}
