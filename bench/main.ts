/** `npm run bench -- CASE|all …`: validates, times, prints tables, and keeps every sample as JSON. */
import fs from 'node:fs';
import path from 'node:path';
import { toErrorData } from '../src-main/errors.ts';
import { CASES } from './cases/index.ts';
import { parseBenchArguments, USAGE, type BenchArguments } from './lib/args.ts';
import type { Context } from './lib/context.ts';
import { circumstances } from './lib/machine.ts';
import { benchFolder } from './lib/models.ts';
import { QuietTurns } from './lib/otherLoad.ts';
import { tableOf, writeDocs, writeJson, type Report } from './lib/report.ts';

/** Per case, for waiting until nobody else works and for repeating disturbed turns. */
const PATIENCE_MS = 600_000;
const QUICK_PATIENCE_MS = 20_000;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The folder with `py`, or null with one line that says why there is no rival. */
function findTorch(given: string | null): string | null {
  if (given === null) say('No PyTorch to race against (--torch DIR or GRAFT_TORCH names a folder with py): Graft alone.');
  if (given === null) return null;
  const dir = path.resolve(given);
  if (fs.existsSync(path.join(dir, 'py'))) return dir;
  say(`${dir} has no py that runs Python with PyTorch: Graft alone.`);
  return null;
}

/** Runs one case; a failure is told and does not stop the others. */
async function runCase(name: string, args: BenchArguments, context: Context): Promise<boolean> {
  const where = circumstances();
  say(`\n${name} …`);
  try {
    const result = await CASES[name]!(context);
    const report: Report = { ...result, engine: args.engine, quick: args.quick, where };
    const file = writeJson(report);
    process.stdout.write(`\n## ${name}\n\n${tableOf(report)}\n`);
    if (args.docs) writeDocs(report, file);
    return true;
  } catch (error) {
    say(`${name} failed: ${toErrorData(error).message}`);
    return false;
  }
}

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) return say(USAGE);
  const args = parseBenchArguments(argv, Object.keys(CASES));
  fs.mkdirSync(benchFolder(), { recursive: true });
  const { engine, quick, profile, tcmalloc } = args;
  const shared: Omit<Context, 'turns'> = { engine, quick, profile, tcmalloc, torchDir: findTorch(args.torchDir), say };
  for (const name of args.cases) {
    const turns = new QuietTurns(quick ? QUICK_PATIENCE_MS : PATIENCE_MS);
    if (!(await runCase(name, args, { ...shared, turns }))) process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  const { message, kind } = toErrorData(error);
  say(message);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
