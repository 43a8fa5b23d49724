/**
 * `npm run bench:methods [-- --model DIR --data FILE --test FILE]`: every method on one task, three seeds each: trained
 * values, validation loss, BLEU on held-out prompts, step time; and what adapters that stay in the forward pass add to
 * a token at batch 1. Prints docs/methods.md's tables and keeps the figures in bench/results. Without --model: the
 * starter.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBaseModel } from '../src-main/basemodel/baseModel.ts';
import { toErrorData, usageError } from '../src-shared/errors.ts';
import { useBackend } from '../src-main/worker/backend.ts';
import { type BackendName, BACKENDS } from '../src-shared/backends.ts';
import { circumstances } from './lib/machine.ts';
import { benchFolder, ensureModel } from './lib/models.ts';
import { REPOSITORY } from './lib/places.ts';
import { comparedMethods, type ComparedMethod } from './methods/list.ts';
import type { OneAnswer, OneRequest } from './methods/one.ts';
import { bleuOfResult, readQuestions, type Task } from './methods/quality.ts';
import { runAll } from './methods/runs.ts';
import { stepTimes, tokenTimes } from './methods/speed.ts';
import { methodTable, tokenTable, type MethodFigures } from './methods/tables.ts';

const RATES = [3e-3, 1e-2, 3e-2, 1e-1];
const SCAN = { seed: 7, steps: 60 };

function readArguments(argv: string[]) {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const starter = (...parts: string[]): string => path.join(REPOSITORY, 'resources', 'starter', ...parts);
  const { values } = parseArgs({
    args: argv,
    options: {
      model: text(starter('model')),
      data: text(starter('data', 'describe.jsonl')),
      test: text(''),
      steps: text('300'),
      batch: text('4'),
      seeds: text('0,1,2'),
      prompts: text('200'),
      only: text(''),
      engine: text('tensorflow'),
      scan: { type: 'boolean', default: false },
      'no-speed': { type: 'boolean', default: false },
    },
  });
  const engine = BACKENDS.find((name) => name === values.engine);
  if (!engine) throw usageError('BENCH_INPUT', `--engine takes ${BACKENDS.join(', ')}, not ${values.engine}.`);
  const [model, data, test] = [values.model, values.data, values.test || values.data].map((file) =>
    path.resolve(file),
  ) as [string, string, string];
  for (const file of [model, data, test])
    if (!fs.existsSync(file))
      throw usageError(
        'BENCH_INPUT',
        `${file} does not exist; give a base model's folder with --model, and prompt/completion files with ` +
          '--data and --test.',
      );
  return { ...values, engine, model, data, test, seeds: values.seeds.split(',').map(Number) };
}

type Settings = ReturnType<typeof readArguments>;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function scores({ valLoss, bleu }: OneAnswer): string {
  const loss = `validation loss ${valLoss.toFixed(4)}`;
  return bleu === null ? loss : `${loss}, BLEU ${bleu.toFixed(2)}`;
}

/** Every method with every seed; BLEU with the first. */
async function figuresOf(task: Task, methods: ComparedMethod[], settings: Settings): Promise<MethodFigures[]> {
  const bleu = { file: settings.test, prompts: Number(settings.prompts) };
  const requests = settings.seeds.flatMap((seed, i) =>
    methods.map(({ name }): OneRequest => ({ task, method: name, seed, ...(i === 0 ? { bleu } : {}) })),
  );
  const answers = await runAll(requests, ({ method, seed }, answer) =>
    say(`${method}, seed ${seed}: ${answer.refused ?? scores(answer)}`),
  );
  return methods.map(({ name, lr }) => {
    const own = answers.filter((_, i) => requests[i]!.method === name);
    const [first] = own as [OneAnswer];
    return {
      name,
      lr,
      trainable: first.trainable,
      initialValLoss: first.initialValLoss,
      valLosses: own.map(({ valLoss }) => valLoss),
      bleu: first.bleu,
      refused: own.find(({ refused }) => refused !== null)?.refused ?? null,
    };
  });
}

/** Which of RATES suits each method. */
async function scan(task: Task, methods: ComparedMethod[]): Promise<void> {
  const requests = methods.flatMap(({ name }) =>
    RATES.map((lr): OneRequest => ({ task: { ...task, steps: SCAN.steps }, method: name, seed: SCAN.seed, lr })),
  );
  await runAll(
    requests,
    ({ method, lr }, { valLoss, refused }) =>
      void process.stdout.write(`${method}, ${lr}: ${refused ?? valLoss.toFixed(4)}\n`),
  );
}

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2));
  const task: Task = {
    modelDir: settings.model,
    engine: settings.engine as BackendName,
    data: settings.data,
    steps: Number(settings.steps),
    batch: Number(settings.batch),
  };
  const base = openBaseModel(settings.model);
  base.close();
  const methods = comparedMethods(base.spec).filter(({ name }) => name.includes(settings.only));
  if (settings.scan) return scan(task, methods);
  const all = await figuresOf(task, methods, settings);
  const trained = methods.filter((_, i) => all[i]!.refused === null);
  await useBackend(task.engine);
  const baseBleu = await bleuOfResult(task, null, false, await readQuestions(settings.test, Number(settings.prompts)));
  const steps = settings['no-speed'] ? new Map<string, number>() : await stepTimes(task, trained);
  const tokens = settings['no-speed']
    ? new Map<string, number>()
    : await tokenTimes(path.join(benchFolder(), await ensureModel('gpt2')), task.engine);
  process.stdout.write(`${methodTable(all, steps, baseBleu)}\n\n${tokenTable(tokens)}\n`);
  const file = path.join(
    REPOSITORY,
    'bench',
    'results',
    `methods-${new Date().toISOString().slice(0, 16).replaceAll(':', '')}.json`,
  );
  const record = {
    ...circumstances(),
    task: { ...task, modelDir: path.basename(task.modelDir), data: path.basename(task.data) },
    methods: all,
    baseBleu,
    stepMs: Object.fromEntries(steps),
    tokenMs: Object.fromEntries(tokens),
  };
  fs.writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  say(`Kept in ${path.relative(REPOSITORY, file)}`);
}

try {
  await main();
} catch (error) {
  const { message, kind } = toErrorData(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
