/**
 * `npm run bench -- scale [--quick] [--mpirun PROGRAM]`: one process of two threads, one of one, and two of one each,
 * in turn; what summing gradients over two processes takes; and from these parts, on paper, what many processes would
 * give. Prints tables (docs/performance-scale.md).
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { workerEnvironment } from '../../src-main/app/workers/environment.ts';
import { benchFolder, ensureModel } from '../lib/models.ts';
import { circumstances } from '../lib/machine.ts';
import { QuietTurns } from '../lib/otherLoad.ts';
import { REPOSITORY } from '../lib/places.ts';
import { quantile } from '../lib/stats.ts';
import type { Exchange, ExchangeRequest } from './exchange.ts';
import type { RunAnswer, RunRequest } from './one.ts';
import { exchangeTable, paperTable, stepTable, type Measured } from './tables.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((text) => text !== '--'),
  options: { quick: { type: 'boolean', default: false }, mpirun: { type: 'string', default: 'mpirun' } },
});

interface Plan {
  what: string;
  /** Rows of a step of one thread; two threads take twice as many. */
  rows: number;
  request: Omit<RunRequest, 'batch'>;
}

/**
 * The machine as it is used. `shares`: rows of a step, as many times what one thread takes; `copies`: runs at once that
 * know nothing of each other, which is what two processes could do at best.
 */
const WAYS = [
  { name: '2 runs side by side, half the rows each', copies: 2, processes: 1, threads: 1, shares: 1 },
  { name: '1 process, 1 thread', copies: 1, processes: 1, threads: 1, shares: 2 },
  { name: '1 process, 2 threads', copies: 1, processes: 1, threads: 2, shares: 2 },
  { name: '2 processes, 1 thread each', copies: 1, processes: 2, threads: 1, shares: 2 },
];

const script = (name: string): string => path.join(REPOSITORY, 'bench', 'scale', name);

/** What the first of the processes has written. */
async function answerOf<T>(processes: number, threads: number, file: string, request: object): Promise<T> {
  // libtensorflow's threads; its own pool of the other kind would only hand operations to and fro.
  const env = { ...workerEnvironment(), TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: '1' };
  const own = [script(file), JSON.stringify(request)];
  const { stdout } =
    processes === 1
      ? await promisify(execFile)(process.execPath, own, { env })
      : await promisify(execFile)(
          options.mpirun,
          [...(await flags()), '-np', String(processes), process.execPath, ...own],
          {
            env,
          },
        );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

/** Open MPI binds two processes to a core each, which MPICH does not; nobody is bound here. */
async function flags(): Promise<string[]> {
  const { stdout } = await promisify(execFile)(options.mpirun, ['--version']);
  if (!/Open MPI|OpenRTE/.test(stdout)) return [];
  return ['--bind-to', 'none', ...(process.getuid?.() === 0 ? ['--allow-run-as-root'] : [])];
}

async function measureSteps({ what, rows, request }: Plan, rounds: number): Promise<Measured[]> {
  const turns = new QuietTurns(options.quick ? 0 : 120_000);
  const found = WAYS.map((): { answers: RunAnswer[]; others: number[] } => ({ answers: [], others: [] }));
  for (let round = 0; round < rounds; round++)
    for (const [i, { name, copies, processes, threads, shares }] of WAYS.entries()) {
      let answer: RunAnswer | undefined;
      const { otherShare } = await turns.take([], async () => {
        const asked = { ...request, batch: shares * rows };
        const all = Array.from({ length: copies }, () => answerOf<RunAnswer>(processes, threads, 'one.ts', asked));
        [answer] = (await Promise.all(all)) as [RunAnswer];
        return quantile(answer.stepMs, 0.5);
      });
      found[i]!.answers.push(answer!);
      found[i]!.others.push(otherShare ?? NaN);
      console.error(
        `${what}, ${name}: ${quantile(answer!.stepMs, 0.5).toFixed(1)} ms, others ${otherShare?.toFixed(2)}`,
      );
    }
  return WAYS.map(({ name, copies, shares }, i) => {
    const { answers, others } = found[i]!;
    return {
      name,
      rows: copies * shares * rows,
      stepMs: answers.flatMap(({ stepMs }) => stepMs),
      cores: quantile(
        answers.map(({ cores }) => cores),
        0.5,
      ),
      others: Math.min(...others),
      evaluationMs: Math.min(...answers.map(({ evaluationMs }) => evaluationMs)),
      lastLoss: answers[0]!.losses.at(-1)!,
      trainable: answers[0]!.trainable,
    };
  });
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-scale-'));
try {
  const starter = path.join(REPOSITORY, 'resources', 'starter');
  const even = path.join(folder, 'even.jsonl');
  const rows = Array.from({ length: 64 }, (_, i) => JSON.stringify({ text: 'abcdefgh'[i % 8]!.repeat(300) }));
  fs.writeFileSync(even, rows.join('\n'));
  const plans: Plan[] = [
    {
      what: 'Starter model, rank 4 on q and v, rows of its own dataset',
      rows: 8,
      request: {
        modelDir: path.join(starter, 'model'),
        data: path.join(starter, 'data', 'describe.jsonl'),
        rank: 4,
        targets: ['q', 'v'],
        val: 0.2,
        steps: options.quick ? 10 : 30,
        warmup: 3,
      },
    },
    {
      what: 'GPT-2-small shape, rank 8 on q and v, rows of 128 tokens',
      rows: 2,
      request: {
        modelDir: path.join(benchFolder(), await ensureModel('gpt2')),
        data: even,
        rank: 8,
        targets: ['q', 'v'],
        val: 0.125,
        steps: options.quick ? 3 : 4,
        warmup: 1,
      },
    },
  ];
  const lines: string[] = [];
  let share: Measured | undefined;
  for (const plan of plans) {
    const measured = await measureSteps(plan, options.quick ? 1 : 2);
    [share] = measured;
    const megabytes = ((4 * share!.trainable) / 1e6).toPrecision(2);
    lines.push(`${plan.what}; gradients of ${megabytes} MB:`, '', ...stepTable(measured), '');
  }
  const asked: ExchangeRequest = { sizes: [4, 1e6, 1e7, 1e8], repetitions: options.quick ? 5 : 15 };
  const exchanges = await answerOf<Exchange[]>(2, 1, 'exchange.ts', asked);
  lines.push('Summing gradients over two processes of this machine:', '', ...exchangeTable(exchanges), '');
  const computed = quantile(share!.stepMs, 0.5);
  for (const computeMs of [computed, 100])
    lines.push(
      `Steps of ${computeMs.toFixed(0)} ms of computing:`,
      '',
      ...paperTable(computeMs, exchanges.slice(1)),
      '',
    );
  const { cpu, cores, date, commit, node, loadAtStart } = circumstances();
  lines.push(
    `${cpu}, ${cores} cores, Node ${node}, ${date.slice(0, 10)}, commit ${commit}, load ${loadAtStart.toFixed(1)}`,
  );
  console.log(lines.join('\n'));
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
