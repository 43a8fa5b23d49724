/** llama.cpp's own server on a GGUF file, as it is started by hand. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Service } from './load.ts';

/** Columns of a sequence: the longest prompt and answer of the bench are shorter. */
const COLUMNS = 256;
const START_MS = 60_000;

export interface LlamaServer extends Service {
  stop(): Promise<void>;
}

/** `sequences`: answers at once. Throws where it does not come up within a minute. */
export async function startLlamaServer(program: string, file: string, sequences: number): Promise<LlamaServer> {
  const port = 11_600 + (process.pid % 1000);
  const options = {
    '-m': file,
    '--port': port,
    '-np': sequences,
    '-c': sequences * COLUMNS,
    '-t': os.availableParallelism(),
  };
  const child = spawn(program, [...Object.entries(options).flat().map(String), '--no-webui'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const until = performance.now() + START_MS;
  while (performance.now() < until && child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) return { address: `http://127.0.0.1:${port}/v1`, apiKey: '', stop };
    await setTimeout(200);
  }
  await stop();
  throw new Error(`${program} did not start with ${file}`);
}
