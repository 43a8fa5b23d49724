/**
 * `npm run bench -- lab`: the spectrum of an adapter with 200 matrices at r = 64, d = 4096, and its similarity to
 * another, each in a fresh process, beside NumPy on the same files (QR of B and A^T, SVD of the r x r product).
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { workerEnvironment } from '../../src-main/app/workers/environment.ts';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { writePeftAdapter, type LoraPair } from '../../src-main/methods/lora/peft.ts';
import { Random } from '../../src-shared/random.ts';
import { toErrorData } from '../../src-shared/errors.ts';
import { circumstances } from '../lib/machine.ts';
import { benchFolder } from '../lib/models.ts';
import { writeHollowBase } from './hollowBase.ts';

const [LAYERS, WIDTH, RANK] = [50, 4096, 64];
const NAMES = ['q', 'k', 'v', 'o'].map((letter) => `self_attn.${letter}_proj`);
const TURNS = 3;

/** Random A and B with values that fall off, as those of trained adapters do. */
async function adapterOf(baseDir: string, seed: number): Promise<string> {
  const dir = path.join(benchFolder(), `lab-adapter-${seed}`);
  if (fs.existsSync(dir)) return dir;
  const random = new Random(seed);
  const modules = new Map<string, LoraPair>();
  for (let layer = 0; layer < LAYERS; layer++)
    for (const name of NAMES) {
      const B = random.normal(WIDTH * RANK);
      for (let i = 0; i < B.length; i++) B[i] = B[i]! / (1 + (i % RANK));
      modules.set(`model.layers.${layer}.${name}`, {
        A: { shape: [RANK, WIDTH], data: random.normal(RANK * WIDTH) },
        B: { shape: [WIDTH, RANK], data: B },
      });
    }
  const config = {
    r: RANK,
    lora_alpha: RANK,
    lora_dropout: 0,
    target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
    fan_in_fan_out: false,
    base_model_name_or_path: baseDir,
  };
  await writePeftAdapter(dir, { config, modules });
  return dir;
}

interface Turn {
  seconds: number;
  peakMiB: number;
}

/** Runs a program that prints `{seconds, peakMiB}` in its last line, with the allocator that Graft's workers have. */
function turn(command: string, args: string[]): Turn {
  const output = execFileSync(command, args, {
    encoding: 'utf8',
    env: workerEnvironment(),
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as Turn;
}

async function main(): Promise<void> {
  const base = writeHollowBase(path.join(benchFolder(), 'lab-base'), LAYERS, WIDTH);
  openBaseModel(base).close();
  const adapters = [await adapterOf(base, 1), await adapterOf(base, 2)];
  const peer = (name: string): string => path.join(import.meta.dirname, name);
  const rows: [string, Turn[], Turn[]][] = [];
  for (const tool of ['spectrum', 'similarity']) {
    const [graft, numpy]: [Turn[], Turn[]] = [[], []];
    for (let i = 0; i < TURNS; i++) {
      graft.push(turn(process.execPath, [peer('graft.ts'), tool, base, ...adapters]));
      numpy.push(turn('python3', [peer('numpy_lab.py'), tool, ...adapters]));
    }
    rows.push([tool, graft, numpy]);
  }
  const best = (turns: Turn[]): Turn => turns.reduce((a, b) => (a.seconds < b.seconds ? a : b));
  const where = JSON.stringify(circumstances());
  console.log(`200 matrices, r = ${RANK}, d = ${WIDTH}; best of ${TURNS} in turns, each a fresh process. ${where}\n`);
  console.log('| tool | Graft s | MiB | NumPy s | MiB | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const [tool, graft, numpy] of rows) {
    const [ours, theirs] = [best(graft), best(numpy)];
    const cells = [ours.seconds, ours.peakMiB, theirs.seconds, theirs.peakMiB, ours.seconds / theirs.seconds];
    console.log(`| ${tool} | ${cells.map((x) => (x < 100 ? x.toFixed(2) : x.toFixed(0))).join(' | ')} |`);
  }
}

try {
  await main();
} catch (error) {
  console.error(toErrorData(error).message);
  process.exitCode = 1;
}
