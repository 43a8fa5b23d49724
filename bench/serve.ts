/**
 * `npm run bench -- serve [--model DIR] [--engine NAME] [--requests 2000] [--together 1,8,32] [--llama-server FILE]`: a
 * soak of many requests for the base and four tasks, with the memory of the process that holds the model along the way;
 * then tokens per second by how many clients ask at once, in turns with llama-server where its program is named, and
 * with node-llama-cpp through the same HTTP service, on the same weights as GGUF. Prints the tables of
 * docs/performance.md.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createCaller } from '../src-main/api/router.ts';
import { createServices } from '../src-main/app/services.ts';
import { openBaseModel } from '../src-main/basemodel/baseModel.ts';
import { exportGguf } from '../src-main/gguf/exportGguf.ts';
import { tokenizerMetadata } from '../src-main/gguf/tokenizer/toGguf.ts';
import { openServing } from '../src-main/hosts/openai/server.ts';
import { BACKENDS, type BackendName } from '../src-shared/backends.ts';
import { Random } from '../src-shared/random.ts';
import { circumstances } from './lib/machine.ts';
import { REPOSITORY } from './lib/places.ts';
import { drawnAdapters } from './serve/adapters.ts';
import { startLlamaServer } from './serve/llamaServer.ts';
import { askAll, type AskedFor, type Service } from './serve/load.ts';

const TASKS = ['one', 'two', 'three', 'four'];
const KEY = 'a-key-of-the-bench';
const WORDS = ['One', 'day', 'Lily', 'saw', 'a', 'red', 'ball', 'and', 'Tom', 'went', 'to', 'the', 'park'];
const MOST_WORDS = 40;
/** Points of the soak at which memory is read. */
const POINTS = 10;
/** Every so many requests one breaks off. */
const BREAK_OFF_EVERY = 20;
const SOAK_TOGETHER = 32;
const NEW_TOKENS = 64;
const ROUNDS = 3;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((text) => text !== '--'),
  options: {
    model: { type: 'string', default: path.join(REPOSITORY, 'resources', 'starter', 'model') },
    engine: { type: 'string', default: 'tensorflow' },
    requests: { type: 'string', default: '2000' },
    together: { type: 'string', default: '1,8,32' },
    'llama-server': { type: 'string' },
  },
});

const TOGETHER = values.together.split(',').map(Number);

/** Prompts of 1 to MOST_WORDS words; answers of `longest` tokens. */
function requestsFor(models: string[], count: number, longest: number, breaksOff: boolean): AskedFor[] {
  const random = new Random(7);
  return Array.from({ length: count }, (_, i) => ({
    model: models[i % models.length]!,
    prompt: Array.from({ length: 1 + random.integer(MOST_WORDS) }, () => WORDS[random.integer(WORDS.length)]).join(' '),
    maxTokens: breaksOff ? 1 + random.integer(longest) : longest,
    breaksOff: breaksOff && i % BREAK_OFF_EVERY === BREAK_OFF_EVERY - 1,
  }));
}

/** Resident memory of a process in MiB; Linux only. */
function residentMiB(pid: number): number {
  const pages = Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * 4096) / 2 ** 20;
}

async function soak(service: Service, pid: number, count: number): Promise<void> {
  const every = Math.max(1, Math.floor(count / POINTS));
  const rows: string[] = [];
  const note = (done: number): void => {
    if (done % every !== 0) return;
    rows.push(`| ${done} | ${residentMiB(pid).toFixed(0)} | ${residentMiB(process.pid).toFixed(0)} |`);
    process.stderr.write(`${rows.at(-1)}\n`);
  };
  const { tokens, ms } = await askAll(service, requestsFor(['base', ...TASKS], count, 32, true), SOAK_TOGETHER, note);
  console.log(`\nSoak: ${count} requests, ${SOAK_TOGETHER} at once, ${tokens} tokens in ${(ms / 1000).toFixed(1)} s\n`);
  console.log('| requests | process with the model, MiB | process with the service, MiB |\n| --- | --- | --- |');
  console.log(rows.join('\n'));
}

interface System {
  name: string;
  service: Service;
  models: string[];
}

/** Tokens per second, the middle of ROUNDS, in which the systems take turns. */
async function throughput(systems: System[]): Promise<string[]> {
  const rows: string[] = [];
  for (const together of TOGETHER) {
    const rates = systems.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, { service, models }] of systems.entries()) {
        if (round === 0) await askAll(service, requestsFor(models, together, 8, false), together);
        const { tokens, ms } = await askAll(service, requestsFor(models, 3 * together, NEW_TOKENS, false), together);
        rates[i]!.push((1000 * tokens) / ms);
      }
    for (const [i, { name }] of systems.entries()) {
      const [least, middle, most] = rates[i]!.toSorted((a, b) => a - b).map((rate) => rate.toFixed(0));
      rows.push(`| ${name} | ${together} | ${middle} | ${least} to ${most} |`);
      process.stderr.write(`${rows.at(-1)}\n`);
    }
  }
  return rows;
}

async function toGguf(modelDir: string, outFile: string): Promise<void> {
  const base = openBaseModel(modelDir);
  await exportGguf({ base, quantise: 'F32', tokenizerMetadata: tokenizerMetadata(modelDir, base.config), outFile });
  base.close();
}

async function main(): Promise<void> {
  const engine = BACKENDS.find((name): name is BackendName => name === values.engine) ?? 'tensorflow';
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-serve-bench-'));
  const services = createServices({ home: path.join(work, 'home'), openServing });
  const api = createCaller(services);
  const start = async (on: object): Promise<Service & { pid: number }> => {
    await services.serving.stop();
    const { address, pid } = await services.serving.start({ ...on, engine, port: 0, apiKey: KEY });
    return { address: address!, apiKey: KEY, pid: pid! };
  };
  try {
    const model = await api.models.add({ dir: path.resolve(values.model) });
    const folders = await drawnAdapters(
      model.dir,
      work,
      TASKS.map((_, i) => i + 1),
    );
    for (const [i, dir] of folders.entries()) {
      const { id } = await api.adapters.import({ dir, taskName: TASKS[i]!, name: TASKS[i]!, modelId: model.id });
      const task = (await api.tasks.list()).find(({ name }) => name === TASKS[i])!;
      await api.tasks.switch({ taskId: task.id, adapterId: id });
    }
    const service = await start({ modelId: model.id });
    if (Number(values.requests) > 0) await soak(service, service.pid, Number(values.requests));
    const file = path.join(work, 'base-F32.gguf');
    await toGguf(model.dir, file);
    const program = values['llama-server'];
    const rival = program === undefined ? undefined : await startLlamaServer(program, file, Math.max(...TOGETHER));
    const rows = await throughput([
      { name: `Graft on ${engine}, base`, service, models: ['base'] },
      { name: `Graft on ${engine}, base and four tasks in one batch`, service, models: ['base', ...TASKS] },
      ...(rival ? [{ name: 'llama-server, the base as GGUF F32', service: rival, models: ['base'] }] : []),
    ]).finally(() => rival?.stop());
    const within = await start({ gguf: file });
    rows.push(...(await throughput([{ name: 'Graft --gguf, the same file', service: within, models: ['base'] }])));
    console.log(`\nThroughput: prompts of 1 to ${MOST_WORDS} words, ${NEW_TOKENS} new tokens each, ${model.name}\n`);
    console.log('| system | clients at once | tokens/s | of three |\n| --- | --- | --- | --- |');
    console.log(rows.join('\n'));
    console.log(`\n${JSON.stringify(circumstances())}`);
  } finally {
    await services.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
}

await main();
