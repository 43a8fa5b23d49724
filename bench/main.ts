/** `npm run bench -- CASE|all …`: validates, times, prints tables, and keeps every sample as JSON. */
import fs from 'node:fs';
import { GPU_VARIABLE } from '../src-shared/backends.ts';
import { toErrorData } from '../src-shared/errors.ts';
import { CASES, NAMED_CASES } from './cases/index.ts';
import { parseBenchArguments, USAGE, type BenchArguments } from './lib/args.ts';
import type { Context } from './lib/context.ts';
import { circumstances } from './lib/machine.ts';
import { gemmPeak } from './lib/gemm.ts';
import { benchFolder } from './lib/models.ts';
import { QuietTurns } from './lib/otherLoad.ts';
import { RESULTS } from './lib/places.ts';
import { tableOf, writeDocs, writeJson, type Report } from './lib/report.ts';
import { findTorch } from './lib/torch.ts';

/** Per case, for waiting until nobody else works and for repeating disturbed turns. */
const PATIENCE_MS = 600_000;
const QUICK_PATIENCE_MS = 8_000;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs one case; a failure is told and does not stop the others. */
async function runCase(name: string, args: BenchArguments, context: Context): Promise<boolean> {
  const where = circumstances();
  say(`\n${name} …`);
  try {
    const result = await { ...CASES, ...NAMED_CASES }[name]!(context);
    const report: Report = { ...result, engine: args.engine, quick: args.quick, where };
    const file = writeJson(report, args.out ?? RESULTS);
    process.stdout.write(`\n## ${name}\n\n${tableOf(report)}\n`);
    if (args.docs) await writeDocs(report, file);
    return true;
  } catch (error) {
    say(`${name} failed: ${toErrorData(error).message}`);
    return false;
  }
}

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) return say(USAGE);
  const args = parseBenchArguments(argv, { all: Object.keys(CASES), named: Object.keys(NAMED_CASES) });
  if (args.gpu !== null) process.env[GPU_VARIABLE] = args.gpu; // of the peers
  fs.mkdirSync(benchFolder(), { recursive: true });
  const { engine, base, quick, profile, tiny, sizes } = args;
  const torch = findTorch(args.torch, engine === 'webgpu', say);
  const shared: Omit<Context, 'turns' | 'peak'> = { engine, base, quick, profile, tiny, sizes, torch, say };
  let measured: ReturnType<typeof gemmPeak> | undefined;
  for (const name of args.cases) {
    const turns = new QuietTurns(quick ? QUICK_PATIENCE_MS : PATIENCE_MS);
    const peak = (): ReturnType<typeof gemmPeak> => (measured ??= gemmPeak({ ...shared, turns }));
    if (!(await runCase(name, args, { ...shared, turns, peak }))) process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  const { message, kind } = toErrorData(error);
  say(message);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
