/**
 * `npm run bench -- data [--rows N] [--tokenizer DIR] [--dir DIR] [--stages A,B]`: a JSONL file of N rows of 2 KB is
 * made, added, planned with, trained on, tokenised, opened again and trained on, each in its own process;
 * then it is deleted.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { methodSchema } from '../../src-shared/methods/registry.ts';
import { runSpecSchema, type RunSpec } from '../../src-shared/runSpec.ts';
import { trainSettingsSchema } from '../../src-shared/settings/training.ts';
import { TINY_LLAMA, writeTinyModel } from '../../test-support/fixtures/tinyModel.ts';
import { circumstances } from '../lib/machine.ts';
import { REPOSITORY } from '../lib/places.ts';
import { makeRows } from './makeRows.ts';
import { STAGES, type Stage, type StageResult } from './stages.ts';

const ENTRY = path.join(import.meta.dirname, 'stage.ts');
const WHAT: Record<Stage, string> = {
  nothing: 'A process that does nothing',
  add: 'Add: read, hash, index, good and bad rows, duplicates',
  plan: 'Plan before it is tokenised (a sample)',
  early: 'From the file to the end of the first step, before it is tokenised',
  tokenise: 'Tokenise',
  again: 'Open again (from the cache)',
  step: 'From the cache to the end of the first step',
};

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    tokenizer: { type: 'string', default: path.join(REPOSITORY, 'resources/starter/model') },
    dir: { type: 'string', default: os.tmpdir() },
    stages: { type: 'string', default: STAGES.join() },
  },
});
const rows = Number(values.rows);
const dir = fs.mkdtempSync(path.join(values.dir, 'graft-data-'));
const where = circumstances();
try {
  await bench();
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const file = path.join(dir, 'rows.jsonl');
  const sizeBytes = await makeRows(file, rows);
  const spec = await specOf(file);
  const lines = [
    '| | time | processor | rows/s | tokens/s | memory at most | answers nobody for |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  for (const stage of STAGES.filter((one) => values.stages.split(',').includes(one))) {
    const { ms, cpuMs, peakBytes, blockedMs, rows: done, tokens } = await run(stage, spec);
    const rate = (count: number | null): string => (count ? `${(count / (ms / 1000) / 1000).toFixed(1)} k` : '');
    const isPlan = stage === 'plan';
    lines.push(
      `| ${WHAT[stage]} | ${(ms / 1000).toFixed(1)} s | ${(cpuMs / 1000).toFixed(1)} s | ` +
        `${isPlan ? '' : rate(done)} | ${stage === 'tokenise' ? rate(tokens) : ''} | ` +
        `${Math.round(peakBytes / 1e6)} MB | ${Math.round(blockedMs)} ms |`,
    );
    process.stderr.write(`${lines.at(-1)}\n`);
  }
  const cache = path.join(dir, 'cache', 'tokens');
  const cached = fs.existsSync(cache) ? fs.readdirSync(cache) : [];
  const cacheBytes = cached.reduce((sum, name) => sum + fs.statSync(path.join(cache, name)).size, 0);
  process.stdout.write(
    `\n${rows.toLocaleString('en')} rows, ${(sizeBytes / 1e9).toFixed(2)} GB of JSONL, cache of tokens ` +
      `${(cacheBytes / 1e9).toFixed(2)} GB\n\n${lines.join('\n')}\n\n- ${where.cpu}, ${where.cores} cores, ` +
      `load average ${where.loadAtStart.toFixed(1)} at the start; commit ${where.commit}, ` +
      `${where.date.slice(0, 10)}.\n`,
  );
}

async function run(stage: Stage, spec: RunSpec): Promise<StageResult> {
  const env = { ...process.env, GRAFT_CACHE: path.join(dir, 'cache') };
  const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, stage, JSON.stringify(spec)], { env });
  return JSON.parse(stdout) as StageResult;
}

/** Two steps of LoRA on a model of a few thousand weights, so that what is measured is the data. */
async function specOf(file: string): Promise<RunSpec> {
  const config = { ...TINY_LLAMA, vocab_size: 50_304, max_position_embeddings: 1024 };
  const modelDir = await writeTinyModel(path.join(dir, 'model'), { config });
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    fs.copyFileSync(path.join(values.tokenizer, name), path.join(modelDir, name));
  const base = openBaseModel(modelDir);
  base.close();
  return runSpecSchema.parse({
    runId: 'bench',
    engine: 'tensorflow',
    model: { dir: modelDir, hash: base.hash },
    data: { file, maxLength: 1024 },
    task: 'bench',
    method: methodSchema.parse({ type: 'lora' }),
    train: trainSettingsSchema.parse({ steps: 2, batch: 8, lr: 1e-3, val: 0.05 }),
    epochEnds: true,
    runDir: path.join(dir, 'run'),
    outDir: path.join(dir, 'out'),
  });
}
