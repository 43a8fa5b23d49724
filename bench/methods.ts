/**
 * `npm run bench:methods [-- --model DIR --data FILE --test FILE]`: every method on one task, three seeds each: trained
 * values, validation loss, BLEU on held-out prompts, step time; and what adapters that stay in the forward pass add to a
 * token at batch 1. Prints docs/methods.md's tables and keeps the figures in bench/results. Without --model: the starter.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openCheckpoint } from '../src-main/checkpoints/checkpoint.ts';
import { toErrorData, usageError } from '../src-main/errors.ts';
import { ENGINES, type EngineName } from '../src-main/trainer/protocol.ts';
import { circumstances } from './lib/machine.ts';
import { benchFolder, ensureModel } from './lib/models.ts';
import { REPOSITORY } from './lib/places.ts';
import { comparedMethods, type ComparedMethod } from './methods/list.ts';
import { bleuOfResult, readQuestions, trainMethod, type Questions, type Task } from './methods/quality.ts';
import { stepTimes, tokenTimes } from './methods/speed.ts';
import { methodTable, tokenTable, type MethodFigures } from './methods/tables.ts';

const RATES = [1e-3, 3e-3, 1e-2, 3e-2];
const SCAN = { seed: 7, steps: 100 };

function readArguments(argv: string[]) {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const starter = (...parts: string[]): string => path.join(REPOSITORY, 'resources', 'starter', ...parts);
  const { values } = parseArgs({
    args: argv,
    options: {
      model: text(starter('model')), data: text(starter('data', 'describe.jsonl')), test: text(''), steps: text('300'), batch: text('8'), seeds: text('0,1,2'),
      prompts: text('200'), only: text(''), engine: text('tensorflow'), scan: { type: 'boolean', default: false }, 'no-speed': { type: 'boolean', default: false },
    },
  });
  const engine = ENGINES.find((name) => name === values.engine);
  if (!engine) throw usageError('BENCH_INPUT', `--engine takes ${ENGINES.join(', ')}, not ${values.engine}.`);
  const [model, data, test] = [values.model, values.data, values.test || values.data].map((file) => path.resolve(file)) as [string, string, string];
  for (const file of [model, data, test]) if (!fs.existsSync(file)) throw usageError('BENCH_INPUT', `${file} does not exist; give a base model's folder with --model, and prompt/completion files with --data and --test.`);
  return { ...values, engine, model, data, test, seeds: values.seeds.split(',').map(Number) };
}

type Settings = ReturnType<typeof readArguments>;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function figuresOf(task: Task, method: ComparedMethod, settings: Settings, questions: Questions, folder: string): Promise<MethodFigures> {
  const figures: MethodFigures = { name: method.name, lr: method.lr, trainable: 0, initialValLoss: 0, valLosses: [], bleu: null, refused: null };
  try {
    for (const seed of settings.seeds) {
      const runDir = fs.mkdtempSync(path.join(folder, 'run-'));
      const { trainable, initialValLoss, valLoss, dir } = await trainMethod(task, method, seed, runDir);
      figures.valLosses.push(valLoss);
      Object.assign(figures, { trainable, initialValLoss });
      if (seed === settings.seeds[0]) figures.bleu = await bleuOfResult(task, dir, method.settings.type === 'full', questions);
      fs.rmSync(runDir, { recursive: true });
      say(`${method.name}, seed ${seed}: validation loss ${valLoss.toFixed(4)}${figures.bleu === null ? '' : `, BLEU ${figures.bleu.toFixed(2)}`}`);
    }
  } catch (error) {
    const { kind, message } = toErrorData(error);
    if (kind !== 'usage') throw error;
    figures.refused = message; // what this base model cannot have, for instance BitFit without biases
    say(`${method.name}: ${message}`);
  }
  return figures;
}

/** Which of RATES suits each method. */
async function scan(task: Task, methods: ComparedMethod[], folder: string): Promise<void> {
  for (const method of methods) {
    const losses: string[] = [];
    for (const lr of RATES) {
      const runDir = fs.mkdtempSync(path.join(folder, 'scan-'));
      try {
        losses.push((await trainMethod({ ...task, steps: SCAN.steps }, { ...method, lr }, SCAN.seed, runDir)).valLoss.toFixed(4));
      } catch (error) {
        losses.push(toErrorData(error).code);
      }
    }
    process.stdout.write(`${method.name}: ${RATES.map((rate, i) => `${rate} ${losses[i]}`).join(', ')}\n`);
  }
}

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2));
  const task: Task = { modelDir: settings.model, engine: settings.engine as EngineName, data: settings.data, steps: Number(settings.steps), batch: Number(settings.batch) };
  const base = openCheckpoint(settings.model);
  base.close();
  const methods = comparedMethods(base.spec).filter(({ name }) => name.includes(settings.only));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-methods-'));
  try {
    if (settings.scan) return await scan(task, methods, folder);
    const questions = await readQuestions(settings.test, Number(settings.prompts));
    const all: MethodFigures[] = [];
    for (const method of methods) all.push(await figuresOf(task, method, settings, questions, folder));
    const trained = methods.filter((_, i) => all[i]!.refused === null);
    const baseBleu = await bleuOfResult(task, null, false, questions);
    const steps = settings['no-speed'] ? new Map<string, number>() : await stepTimes(task, trained);
    const tokens = settings['no-speed'] ? new Map<string, number>() : await tokenTimes(path.join(benchFolder(), await ensureModel('gpt2')), task.engine);
    process.stdout.write(`${methodTable(all, steps, baseBleu)}\n\n${tokenTable(tokens)}\n`);
    const file = path.join(REPOSITORY, 'bench', 'results', `methods-${new Date().toISOString().slice(0, 16).replaceAll(':', '')}.json`);
    const record = { ...circumstances(), task: { ...task, modelDir: path.basename(task.modelDir), data: path.basename(task.data) }, methods: all, baseBleu, stepMs: Object.fromEntries(steps), tokenMs: Object.fromEntries(tokens) };
    fs.writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
    say(`Kept in ${path.relative(REPOSITORY, file)}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  const { message, kind } = toErrorData(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
