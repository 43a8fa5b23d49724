/** `chat`: a conversation in the terminal; the answers stream. */
import readline from 'node:readline';
import { generateSchema } from '../../app/playground/inputs.ts';
import { toErrorData, usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import type { Services } from '../../app/services.ts';
import { ADAPTER_OPTION, COMPUTE_OPTIONS, MODEL_OPTION } from './command.ts';
import type { Command, Context } from './command.ts';
import { adapterOf, baseDirFor } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

const HELP = '/reset begins anew, /exit leaves; Ctrl-C ends an answer, and leaves where there is none.';
const MOST_NEW = 1024;

export const chat: Command = {
  name: 'chat',
  positionals: [],
  summary: 'A conversation in the terminal, with a task or a model.',
  options: {
    task: { type: 'string', value: 'NAME', help: 'the active adapter of this task, on its base' },
    model: MODEL_OPTION,
    adapter: ADAPTER_OPTION,
    system: { type: 'string', value: 'TEXT', help: 'what the model is told before the conversation' },
    'max-new': { type: 'string', value: 'N', help: `tokens of an answer at most (${MOST_NEW})` },
    temperature: { type: 'string', value: 'X', help: '0 takes the likeliest token (0.7)' },
    'top-p': { type: 'string', value: 'X', help: 'sample among the likeliest tokens of total probability X' },
    seed: { type: 'string', value: 'N', help: 'seed of the first answer; each further one has the next' },
    ...COMPUTE_OPTIONS,
  },
  async run(context) {
    const { args, services, say } = context;
    const { dir, adapterDir } = speaker(services, args);
    const { engine, ...forms } = readSettings(args, COMPUTE_SETTINGS);
    say('Loading the model …');
    const load = await services.playground.loadDir(dir, engine, forms);
    if (adapterDir !== null) await services.playground.attachDir(adapterDir);
    if (!load.chatTemplate) say('This model has no chat template, so the conversation is written plainly.');
    say(HELP);
    return { messages: await converse(context), engine: load.engine, device: load.device };
  },
};

/** Who talks: a task's active adapter on its base, or what is named. */
function speaker(services: Services, args: Context['args']): { dir: string; adapterDir: string | null } {
  const [name, model, adapterText] = [args.text('task'), args.text('model'), args.text('adapter')];
  if (name === undefined) {
    const adapter = adapterText === undefined ? undefined : adapterOf(services, adapterText);
    if (model === undefined && !adapter)
      throw usageError('BAD_USAGE', 'Nobody is named to talk to; give --task, --model or --adapter.');
    return { dir: baseDirFor(services, model, adapter), adapterDir: adapter?.dir ?? null };
  }
  if (adapterText !== undefined)
    throw usageError('BAD_USAGE', '--task and --adapter cannot be combined; the task names its active adapter.');
  const task = services.catalog.tasks.byName(name) ?? services.catalog.tasks.get(name);
  if (!task)
    throw usageError('TASK_NOT_FOUND', `There is no task "${name}"; "tasks list" shows those that exist.`, {
      task: name,
    });
  const adapter = task.activeAdapterId === null ? undefined : adapterOf(services, task.activeAdapterId);
  if (!adapter && model === undefined)
    throw usageError('NO_ADAPTER', `The task "${name}" has no active adapter; name a base with --model.`, {
      task: name,
    });
  return { dir: baseDirFor(services, model, adapter), adapterDir: adapter?.dir ?? null };
}

/** Until /exit, the end of the input, or Ctrl-C; returns what was said. */
async function converse(context: Context): Promise<Message[]> {
  const { args, services, json, print } = context;
  const system = args.text('system');
  const opening: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = [...opening];
  const terminal = process.stdin.isTTY && process.stdout.isTTY && !json;
  const lines = readline.createInterface({
    input: process.stdin,
    output: terminal ? process.stdout : undefined,
    terminal,
  });
  let answering = false;
  let isOpen = true;
  // Also by Ctrl-D, or by Ctrl-C before the answer began, while what was typed is still being answered.
  lines.on('close', () => (isOpen = false));
  // In a terminal the keys come here, and no signal with them.
  lines.on('SIGINT', () => (answering ? void services.playground.stop() : lines.close()));
  const ask = (): void => {
    if (terminal && isOpen) lines.prompt();
  };
  lines.setPrompt('> ');
  ask();
  for await (const line of lines) {
    const text = line.trim();
    if (text === '/exit') break;
    if (text === '/reset') messages = [...opening];
    else if (text.startsWith('/')) print(HELP);
    else if (text !== '') {
      answering = true;
      messages = await answered(context, [...messages, { role: 'user', content: line }]);
      answering = false;
    }
    ask();
  }
  lines.close();
  return messages;
}

/** The conversation with the answer; without the question where it could not be answered. */
async function answered({ args, services, write, say }: Context, messages: Message[]): Promise<Message[]> {
  const turn = messages.filter(({ role }) => role === 'assistant').length;
  const params = generateSchema.parse({
    messages,
    maxNew: args.integer('max-new') ?? MOST_NEW,
    temperature: args.number('temperature') ?? 0.7,
    topP: args.number('top-p'),
    seed: (args.integer('seed') ?? Math.floor(Math.random() * 2 ** 31)) + turn,
  });
  try {
    const result = await services.playground.generate(params, ({ text }) => write(text)).promise;
    write('\n');
    say(`${counted(result.tokens, 'token')}, ${result.tokensPerSecond.toFixed(1)} tokens/s`);
    return [...messages, { role: 'assistant', content: result.text }];
  } catch (error) {
    const { code, message } = toErrorData(error);
    say(code === 'PROMPT_TOO_LONG' ? `${message} /reset begins a new conversation.` : message);
    if (code === 'PLAYGROUND_CRASHED') throw error;
    return messages.slice(0, -1);
  }
}
