/**
 * `npm run bench -- preferences FOLDER`: supervised fine-tuning of the starter model on E2E (FOLDER holds its dev.jsonl
 * and test.jsonl: prompt and completion), then DPO from that adapter on pairs of its references and corrupted ones, and
 * both compared by a suite of test prompts; all of it by the command line.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Random } from '../src-shared/random.ts';

const REPO = path.resolve(import.meta.dirname, '..');
const ANSWERS_PER_PROMPT = 6;

interface Row {
  prompt: string;
  completion: string;
}

const folder = process.argv[2];
if (folder === undefined || !fs.existsSync(path.join(folder, 'dev.jsonl'))) {
  console.error('Usage: npm run bench -- preferences FOLDER, which holds dev.jsonl and test.jsonl of E2E.');
  process.exit(2);
}

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-preferences-'));
try {
  const pairs = path.join(home, 'pairs.jsonl');
  fs.writeFileSync(
    pairs,
    pairsOf(readRows(path.join(folder, 'dev.jsonl')))
      .map((row) => JSON.stringify(row))
      .join('\n'),
  );
  const model = path.join(REPO, 'resources', 'starter', 'model');
  const common = ['--model', model, '--task', 'e2e', '--max-length', '256', '--json'];
  const dev = path.join(folder, 'dev.jsonl');
  const answers = ['--name', 'sft', '--epochs', '3', '--batch', '16', '--rank', '16', '--lr', '0.006'];
  const sft = adapterOf(graft('train', '--data', dev, ...answers, ...common));
  const choices = ['--objective', 'dpo', '--beta', '1', '--steps', '150', '--batch', '8', '--lr', '0.0001'];
  const dpo = adapterOf(graft('train', '--data', pairs, '--name', 'dpo', '--from', sft, ...choices, ...common));
  graft('datasets', 'add', path.join(folder, 'test.jsonl'), '--name', 'test');
  const metrics = ['--metrics', 'bleu,chrf,rougeL', '--max-new', '80'];
  graft('suites', 'add', 'e2e', '--data', 'test', '--sample', '120', ...metrics);
  console.log(graft('eval', '--suite', 'e2e', '--adapter', sft, '--adapter', dpo));
} finally {
  fs.rmSync(home, { recursive: true, force: true });
}

function graft(...args: string[]): string {
  const cli = path.join(REPO, 'src-main', 'hosts', 'cli', 'main.ts');
  const env = { ...process.env, GRAFT_HOME: home };
  return execFileSync(process.execPath, [cli, ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function adapterOf(json: string): string {
  return (JSON.parse(json) as { adapterId: string }).adapterId;
}

function readRows(file: string): Row[] {
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** `name : Alimentum | area : city centre` by its keys. */
function valuesOf({ prompt }: Row): [key: string, value: string][] {
  return prompt.split(' | ').map((part) => {
    const at = part.indexOf(' : ');
    return [part.slice(0, at), part.slice(at + 3)];
  });
}

/** A reference beside itself with values that other prompts have: what a small model gets wrong most. */
function pairsOf(rows: readonly Row[]): { prompt: string; chosen: string; rejected: string }[] {
  const random = new Random(5);
  const known = new Map<string, Set<string>>();
  for (const [key, value] of rows.flatMap(valuesOf)) known.set(key, (known.get(key) ?? new Set()).add(value));
  const seen = new Map<string, number>();
  return rows.flatMap((row) => {
    const count = (seen.get(row.prompt) ?? 0) + 1;
    seen.set(row.prompt, count);
    const rejected = withOtherValues(row);
    if (count > ANSWERS_PER_PROMPT || rejected === row.completion) return [];
    return [{ prompt: row.prompt, chosen: row.completion, rejected }];
  });

  function withOtherValues(row: Row): string {
    return valuesOf(row).reduce((text, [key, value]) => {
      const others = [...known.get(key)!].filter((other) => other !== value);
      const other = others[random.integer(Math.max(1, others.length))];
      return other === undefined ? text : text.replace(` ${value} `, () => ` ${other} `);
    }, row.completion);
  }
}
