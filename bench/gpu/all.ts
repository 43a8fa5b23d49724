/**
 * `./bench.sh all` on a GPU machine: correctness first, then each case, every part in a process of its own with a time
 * limit. Writes one report-DATE.json and one report-DATE.md, whatever fails; a failed part is named with its last
 * words.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { tableOf, type Report } from '../lib/report.ts';

interface Part {
  name: string;
  /** Beside this file. */
  script: 'correct.js' | 'main.js';
  args: string[];
  limitMinutes: number;
  /** Also with --tiny. */
  tiny?: true;
}

interface Outcome {
  name: string;
  ok: boolean;
  seconds: number;
  /** What it wrote. */
  results: object[];
  /** Why it failed, and its last lines. */
  failure?: string;
}

const PARTS: Part[] = [
  { name: 'correct', script: 'correct.js', args: [], limitMinutes: 20, tiny: true },
  { name: 'kernels', script: 'main.js', args: ['kernels'], limitMinutes: 20, tiny: true },
  { name: 'step-gpt2', script: 'main.js', args: ['step-gpt2'], limitMinutes: 15 },
  { name: 'step-smollm', script: 'main.js', args: ['step-smollm'], limitMinutes: 15, tiny: true },
  { name: 'step-smollm-8192', script: 'main.js', args: ['step-smollm-8192'], limitMinutes: 20 },
  { name: 'real', script: 'main.js', args: ['real'], limitMinutes: 20 },
  { name: 'generate', script: 'main.js', args: ['generate'], limitMinutes: 15 },
  { name: '8b', script: 'main.js', args: ['sizes', '--models', 'llama-3-8b', '--parts', 'full'], limitMinutes: 60 },
];
const LAST_LINES = 15;

const { values } = parseArgs({
  strict: false,
  options: {
    out: { type: 'string' },
    parts: { type: 'string' },
    minutes: { type: 'string' },
    tiny: { type: 'boolean' },
  },
});
const out = path.resolve(String(values.out ?? 'results'));
const passed = process.argv.slice(2).filter((word, i, all) => word !== 'all' && !isOwn(word, all[i - 1]));
const wanted = typeof values.parts === 'string' ? values.parts.split(',') : null;
const unknown = wanted?.filter((name) => PARTS.every((part) => part.name !== name)) ?? [];
if (unknown.length) {
  process.stderr.write(
    `all takes --parts of ${PARTS.map(({ name }) => name).join(', ')}, not ${unknown.join(', ')}.\n`,
  );
  process.exit(2);
}

function isOwn(word: string, before: string | undefined): boolean {
  return [word, before].some((one) => one === '--parts' || one === '--minutes' || one === '--out');
}

/** Ends the whole process group at its limit. */
async function run(part: Part, folder: string): Promise<Outcome> {
  const started = Date.now();
  const args = part.script === 'correct.js' ? (values.tiny ? ['--tiny'] : []) : passed;
  const script = path.join(import.meta.dirname, part.script);
  const child = spawn(process.execPath, [script, ...part.args, ...args, '--out', folder], {
    stdio: ['ignore', 'inherit', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    said = (said + chunk.toString()).slice(-8000);
  });
  const limitMinutes = Number(values.minutes ?? part.limitMinutes);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-child.pid!, 'SIGKILL');
  }, limitMinutes * 60_000);
  const how = await new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? `code ${code}`}`));
  });
  clearTimeout(timer);
  const lines = said.trim().split('\n').slice(-LAST_LINES).join('\n');
  const why = late ? `took more than ${limitMinutes} minutes` : how;
  return {
    name: part.name,
    ok: why === null,
    seconds: Math.round((Date.now() - started) / 1000),
    results: resultsIn(folder),
    ...(why === null ? {} : { failure: `${why}\n${lines}` }),
  };
}

function resultsIn(folder: string): object[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')) as object);
}

function sectionOf({ name, ok, seconds, results, failure }: Outcome): string {
  const tables = results.map((result) =>
    'rows' in result ? tableOf(result as Report) : `\`\`\`json\n${JSON.stringify(result, null, 2)}\n\`\`\``,
  );
  const failed = failure === undefined ? [] : [`**Failed:** ${failure.replace('\n', '\n\n```\n')}\n\`\`\``];
  return [`## ${name}: ${ok ? 'done' : 'failed'}, ${seconds} s`, ...failed, ...tables].join('\n\n');
}

const date = new Date().toISOString().slice(0, 16).replaceAll(':', '');
const scratch = path.join(out, `parts-${date}`);
const outcomes: Outcome[] = [];
for (const part of PARTS) {
  if (wanted ? !wanted.includes(part.name) : values.tiny && !part.tiny) continue;
  process.stderr.write(`\n== ${part.name}\n`);
  outcomes.push(await run(part, path.join(scratch, part.name)));
  // after each part, so that an interrupted run leaves what it has
  fs.mkdirSync(out, { recursive: true });
  fs.writeFileSync(path.join(out, `report-${date}.json`), `${JSON.stringify({ date, parts: outcomes }, null, 2)}\n`);
  fs.writeFileSync(
    path.join(out, `report-${date}.md`),
    `# Graft on this card, ${date}\n\n${outcomes.map(sectionOf).join('\n\n')}\n`,
  );
}
fs.rmSync(scratch, { recursive: true, force: true });
process.stderr.write(`\n${path.join(out, `report-${date}.md`)} and .json\n`);
process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;
