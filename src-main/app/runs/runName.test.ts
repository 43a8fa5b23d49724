import { expect, it } from 'vitest';
import { runSpecSchema, type RunSpec } from '../../../src-shared/runSpec.ts';
import { runName, type Sibling } from './runName.ts';

interface Given {
  task?: string;
  file?: string;
  method?: object;
  train?: object;
}

function spec({ task = 'support', file = '/data/rows.jsonl', method = {}, train = {} }: Given = {}): RunSpec {
  return runSpecSchema.parse({
    runId: 'r',
    model: { dir: '/models/tiny', hash: 'h' },
    data: { file },
    task,
    method: { type: 'lora', rank: 8, ...method },
    train: { lr: 0.0002, ...train },
    runDir: '/r',
    outDir: '/o',
  });
}

const first: Sibling = { name: 'support', spec: spec() };

it('the first run of a task has its name, whatever other tasks there are', () => {
  expect(runName(spec(), [])).toBe('support');
  expect(runName(spec(), [{ name: 'extract', spec: spec({ task: 'extract', method: { rank: 2 } }) }])).toBe('support');
});

it('a later one says in what it differs from any other of its task', () => {
  const other = spec({ method: { rank: 16 }, train: { lr: 0.0003 } });
  expect(runName(other, [first])).toBe('support r16 lr3e-4');
  expect(runName(spec({ file: '/data/v2.rows.jsonl' }), [first])).toBe('support on v2.rows');
  expect(runName(spec({ method: { type: 'loha' } }), [first])).toMatch(/^support LoHa/);
  expect(runName(spec({ train: { seed: 7 } }), [first, { name: 'x', spec: other }])).toBe('support r8 lr2e-4 seed7');
});

it('no two have the same name', () => {
  const names: string[] = [];
  const runs: Sibling[] = [];
  for (const rank of [8, 8, 16, 8, 16]) {
    const made = spec({ method: { rank } });
    const name = runName(made, runs);
    runs.push({ name, spec: made });
    names.push(name);
  }
  expect(names).toEqual(['support', 'support 2', 'support r16', 'support r8', 'support r16 2']);
});
