/**
 * `npm run fuzz -- [--seconds N] [--count N] [--seed S]`: changes valid inputs of every reader and reads them in a
 * process of its own. Fails on a try that hangs for 2 s, ends the process, takes more than 500 MB, or is answered by
 * anything but the value or one sentence of Graft's own; the input is kept and named.
 */
import { fork } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { FromChild } from './child.ts';
import type { Try } from './tries.ts';

const HANG_MS = 2000;
const MOST_MB = 500;
/** V8 alone would let garbage grow beyond what is allowed in all. */
const HEAP_MB = 300;

interface Options {
  seed: number;
  count: number;
  until: number;
  kept: string;
}

interface Outcome {
  next: number;
  finding?: string;
}

/** Takes tries from `first` on in one process, until it is done, time is up or something was wrong. */
function round(first: number, { seed, count, until, kept }: Options): Promise<Outcome> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-fuzz-'));
  const child = fork(path.join(import.meta.dirname, 'child.ts'), [root, String(seed), String(first), String(count)], {
    execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP_MB}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let about: Try | undefined;
  let next = first;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const end = (problem?: string): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      child.kill('SIGKILL');
      const finding = problem === undefined || !about ? problem : keep(about, problem, kept);
      fs.rmSync(root, { recursive: true, force: true });
      resolve({ next: about && problem !== undefined ? about.number + 1 : next, ...(finding ? { finding } : {}) });
    };
    child.on('message', (message: FromChild) => {
      clearTimeout(timer);
      if ('about' in message) {
        about = message.about;
        timer = setTimeout(() => end(`hangs for more than ${HANG_MS} ms`), HANG_MS);
        return;
      }
      const { number, problem } = message.tried;
      next = number + 1;
      if (problem !== undefined) return end(problem);
      if (message.peakMb > MOST_MB) {
        if (number === first) return end(`takes ${Math.round(message.peakMb)} MB`);
        // The garbage of many tries adds up: what this one takes is measured in a process of its own.
        next = number;
        return end();
      }
      about = undefined;
      if (Date.now() > until) end();
    });
    child.on('exit', (code, signal) => end(about ? `ends the process (${signal ?? code})` : undefined));
  });
}

/** Copies the input aside. */
function keep({ number, reader, dir, file }: Try, problem: string, kept: string): string {
  const place = path.join(kept, `try-${number}`);
  fs.cpSync(dir, place, { recursive: true });
  return `try ${number}, ${reader}, ${file}: ${problem}\n  input: ${place}`;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, count: { type: 'string' }, seed: { type: 'string' } },
});
const options: Options = {
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  count: Number(values.count ?? Infinity),
  until: Date.now() + 1000 * Number(values.seconds ?? (values.count === undefined ? 60 : Infinity)),
  kept: path.join(os.tmpdir(), `graft-fuzz-findings-${process.pid}`),
};
process.stdout.write(`Seed ${options.seed}.\n`);
const findings: string[] = [];
let next = 0;
while (next < options.count && Date.now() < options.until && findings.length < 50) {
  const outcome = await round(next, options);
  if (outcome.finding !== undefined) {
    findings.push(outcome.finding);
    process.stdout.write(`${outcome.finding}\n`);
  } else if (outcome.next === next) break;
  next = outcome.next;
}
process.stdout.write(`${next} changed inputs, ${findings.length} findings (seed ${options.seed}).\n`);
process.exitCode = findings.length > 0 ? 1 : 0;
