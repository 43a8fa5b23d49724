import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../catalog/catalog.ts';
import { isAlive } from '../../files/isAlive.ts';
import { hostEntry } from '../../../test-support/hostEntry.ts';
import { MODEL, writeRows } from '../../../test-support/rigs/services.ts';

const CLI = hostEntry('cli');
let dir: string;

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command; `onText` may act on what it says meanwhile. */
function graft(argv: string[], onText: (stderr: string, pid: number) => void = () => undefined): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...argv], {
      env: { ...process.env, GRAFT_HOME: path.join(dir, 'home') },
    });
    const out: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      out.stderr += chunk.toString();
      onText(out.stderr, child.pid!);
    });
    child.on('close', (code) => resolve({ ...out, code }));
  });
}

async function json(...argv: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await graft([...argv, '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** All float32 weights of a folder with one safetensors file, in the order of the file. */
function weights(modelDir: string): Float32Array {
  const { buffer } = new Uint8Array(fs.readFileSync(path.join(modelDir, 'model.safetensors')));
  const headerBytes = Number(new DataView(buffer).getBigUint64(0, true));
  return new Float32Array(buffer.slice(8 + headerBytes));
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-cli-'));
});
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

describe('wrong usage ends with 2 and one sentence', () => {
  it.each([
    ['an unknown command', ['fly'], /no command "fly"/],
    ['half a command', ['models'], /choose models add, models list/],
    ['an unknown option', ['doctor', '--fast'], /Unknown option '--fast'/],
    ['a missing argument', ['models', 'add'], /PATH is missing/],
    ['one argument too many', ['models', 'list', 'x'], /one argument too many/],
    [
      'a word for a number',
      ['train', '--model', '.', '--data', 'x', '--task', 't', '--steps', 'many'],
      /--steps "many" .* a number/,
    ],
    ['a number out of range', ['train', '--model', '.', '--data', 'x', '--task', 't', '--batch', '0'], /batch: /],
    [
      'a target that no model has',
      ['train', '--model', '.', '--data', 'x', '--task', 't', '--targets', 'q,nose'],
      /--targets "q,nose"/,
    ],
    [
      'a base dtype that does not exist',
      ['train', '--model', '.', '--data', 'x', '--task', 't', '--base-dtype', 'int3'],
      /--base-dtype "int3" .*nf4/,
    ],
    [
      'a quantisation that does not exist',
      ['export', '--adapter', 'x', '--format', 'gguf', '--quantize', 'Q8_0,Q3_X', '--out', 'x'],
      /--quantize "Q3_X" .*Q4_K_M/,
    ],
    [
      'an export of nothing',
      ['export', '--format', 'gguf', '--out', 'x'],
      /an adapter with --adapter, or a model to write as it is with --model/,
    ],
    [
      'a model without an adapter as an adapter',
      ['export', '--model', MODEL, '--format', 'peft', '--out', 'x'],
      /peft holds an adapter, and a whole model has none/,
    ],
    [
      'a folder as the folder that it is',
      ['export', '--adapter', MODEL, '--format', 'hf', '--out', 'x'],
      /hf is what a whole model is already/,
    ],
    [
      'a scale of no adapter',
      ['export', '--model', MODEL, '--scale', '2', '--format', 'gguf', '--out', 'x'],
      /--scale is the factor on an adapter/,
    ],
    [
      'a whole model and a base',
      ['export', '--adapter', MODEL, '--model', MODEL, '--format', 'gguf', '--out', 'x'],
      /is a whole model, .* leave out --model/,
    ],
    ['a format that is missing', ['export', '--adapter', 'x', '--out', 'x'], /--format is missing; give one of ollama/],
    [
      'an adapter that does not exist',
      ['merge', '--adapter', 'nobody', '--out', 'x'],
      /no adapter and no folder "nobody"/,
    ],
  ])('%s', async (_name, argv, sentence) => {
    const { code, stdout, stderr } = await graft(argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

it('a failure ends with 1, and with --json also as an object on stdout', async () => {
  const { code, stdout, stderr } = await graft(['models', 'add', path.join(dir, 'nowhere'), '--json']);
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  expect(error.code).toBe('CHECKPOINT_NOT_FOUND');
  expect(stderr).toBe(`${error.message}\n`);
});

it('help names every command, and a command its options', async () => {
  const overview = await graft(['--help']);
  for (const name of [
    'doctor',
    'models add',
    'datasets check',
    'train',
    'eval',
    'generate',
    'tasks switch',
    'adapters import',
    'adapters remove',
    'export',
    'merge',
    'demo',
  ])
    expect(overview.stdout).toContain(`  ${name}`);
  expect((await graft(['train', '--help'])).stdout).toMatch(/--rank N .*--checkpoint-every N /s);
});

describe('the road on the command line', () => {
  const settings = (rows: string): string[] => [
    'train',
    '--model',
    MODEL,
    '--data',
    rows,
    '--task',
    'colours',
    '--targets',
    'q,v',
    '--rank',
    '4',
    '--batch',
    '4',
    '--warmup',
    '0',
    '--lr',
    '5e-3',
    '--val',
    '0.2',
    '--engine',
    'tensorflow',
  ];

  it('trains, switches, evaluates, generates, merges; the merged folder evaluates as base + adapter', async () => {
    const rows = writeRows(path.join(dir, 'rows.jsonl'));
    const trained = await json(...settings(rows), '--steps', '6');
    expect(trained).toMatchObject({
      steps: 6,
      engine: 'tensorflow',
      trainableParameters: expect.any(Number),
      losses: expect.any(Array),
    });
    expect(trained['losses']).toHaveLength(6);
    expect(trained['valLoss']).toBeLessThan(trained['initialValLoss'] as number);
    const adapter = trained['adapterId'] as string;
    expect(fs.readdirSync(trained['adapterDir'] as string)).toContain('adapter_config.json');
    expect(await json('tasks', 'switch', 'colours', 'none')).toMatchObject({ task: { activeAdapterId: null } });
    expect(await json('tasks', 'switch', 'colours')).toMatchObject({ task: { activeAdapterId: adapter } });
    const generation = ['--prompt', 'One day', '--max-new', '5', '--engine', 'tensorflow'];
    const generated = await json('generate', '--adapter', adapter, ...generation);
    expect(generated['tokens']).toBe(5);
    const compared = (await json('generate', '--compare', adapter, ...generation))['rows'] as {
      adapter: string | null;
      text: string;
    }[];
    expect(compared.map((row) => row.adapter)).toEqual([null, adapter]);
    expect(compared[1]!.text).toBe(generated['text']);
    const { matrices } = (await json('lab', 'spectrum', '--adapter', adapter)) as {
      matrices: { name: string; singularValues: number[]; effectiveRank: number }[];
    };
    expect(matrices.map(({ name }) => name)).toContain('model.layers.0.self_attn.q_proj');
    for (const { singularValues, effectiveRank } of matrices) {
      expect(singularValues).toHaveLength(4);
      expect(effectiveRank).toBeGreaterThan(1);
    }
    // The trainer measured the same rows.
    const sum = ['--rank', '9', '--out', path.join(dir, 'sum'), '--engine', 'tensorflow'];
    const composed = await json('lab', 'compose', '--adapter', adapter, ...sum);
    const valLoss = expect.closeTo(trained['valLoss'] as number, 4);
    expect(composed['losses']).toEqual([{ file: rows, adapters: [valLoss], composed: valLoss }]);
    expect(composed['notes']).toEqual([expect.stringMatching(/got fewer than 9 ranks/)]);

    const out = path.join(dir, 'merged');
    const merged = await json(
      'merge',
      '--adapter',
      trained['adapterDir'] as string,
      '--out',
      out,
      '--engine',
      'tensorflow',
    );
    expect(merged['maxLogitDifference']).toBeLessThan(1e-4);
    expect(fs.existsSync(merged['certificate'] as string)).toBe(true);
    const evaluation = ['--data', rows, '--engine', 'tensorflow'];
    const withAdapter = await json('eval', '--adapter', adapter, ...evaluation);
    const ofMerged = await json('eval', '--model', out, ...evaluation);
    const ofBase = await json('eval', '--model', MODEL, ...evaluation);
    expect(Math.abs((withAdapter['loss'] as number) - (ofMerged['loss'] as number))).toBeLessThan(1e-4);
    expect(ofMerged['loss']).toBeLessThan((ofBase['loss'] as number) - 1e-3);

    const restored = path.join(dir, 'restored');
    const unmerged = await json('unmerge', '--model', out, '--adapter', adapter, '--base', MODEL, '--out', restored);
    expect(unmerged['maxDifference']).toBeLessThan(1e-6);
    expect(largestDifference(weights(MODEL), weights(restored))).toBe(unmerged['maxDifference']);
    expect(largestDifference(weights(MODEL), weights(out))).toBeGreaterThan(1e-4);
  });

  it('Ctrl-C ends the worker and leaves a run that --resume brings to its end', async () => {
    const rows = writeRows(path.join(dir, 'rows.jsonl'));
    const underWay = (): number => {
      const catalog = openCatalog(path.join(dir, 'home', 'graft.db'));
      const [run] = catalog.runs.unfinished();
      catalog.close();
      return run!.pid!;
    };
    let interrupted = false;
    let workerPid = 0;
    const ended = await graft([...settings(rows), '--steps', '90', '--checkpoint-every', '2'], (stderr, pid) => {
      // From the third step on there is a checkpoint.
      if (interrupted || !/^step ([3-9]|\d\d+)\//m.test(stderr)) return;
      interrupted = true;
      workerPid = underWay();
      process.kill(pid, 'SIGINT');
    });
    expect(ended).toMatchObject({ code: 130, stdout: '' });
    expect(isAlive(workerPid)).toBe(false);
    const runId = /^Run (run-\w+)/m.exec(ended.stderr)![1]!;
    const catalog = openCatalog(path.join(dir, 'home', 'graft.db'));
    expect(catalog.runs.get(runId)).toMatchObject({ pid: null, status: 'failed', error: { code: 'RUN_ABANDONED' } });
    expect(catalog.db.pragma('integrity_check', { simple: true })).toBe('ok');
    catalog.close();
    const resumed = await json('train', '--resume', runId);
    expect(resumed).toMatchObject({ runId, steps: 90 });
    expect(resumed['losses']).toHaveLength(90);

    const further = await json('train', '--further', runId, '--steps', '3');
    expect(further).toMatchObject({ steps: 93 });
    expect((further['losses'] as number[]).slice(0, 90)).toEqual(resumed['losses']);
    const odd = await graft(['train', '--resume', runId, '--lr', '1']);
    expect(odd).toMatchObject({ code: 2 });
    expect(odd.stderr).toContain('--lr means nothing beside --resume; the run keeps its settings.');
  });
});
