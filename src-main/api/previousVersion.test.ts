/**
 * A data folder that the version before the restructuring wrote (test-support/previousVersion), opened by this one: the
 * same catalogue, the same losses of everything stored, and broken-off runs that end as they would have. What is
 * expected was said by that version.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServices, type Services } from '../app/services.ts';
import { openSafetensors, readTensorF32 } from '../safetensors/read.ts';
import { evaluate } from '../worker/verify/evaluate.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { describeHome } from '../../test-support/previousVersion/describe.ts';
import { PLACEHOLDER, relocate } from '../../test-support/previousVersion/relocate.ts';
import { createCaller, type Caller } from './router.ts';

interface Expected {
  stored: Record<string, unknown>;
  /** By name: the words of `graft eval` and the result. */
  evaluations: Record<string, { args: string[]; tensorflow: { loss: number; modelDir: string; adapterDir?: string } }>;
  /** By the run's name: [step, loss, learning rate, gradient norm] of every step of the run that went on. */
  goOn: Record<string, { id: string; losses: [number, number, number, number][] }>;
}

const FIXTURE = path.resolve(import.meta.dirname, '../../test-support/previousVersion');
const expected = JSON.parse(fs.readFileSync(path.join(FIXTURE, 'expected.json'), 'utf8')) as Expected;

let target: string;
let services: Services;
let api: Caller;

beforeAll(() => {
  target = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-previous-'));
  relocate(FIXTURE, target);
  services = createServices({ home: path.join(target, 'home'), takeQueued: false });
  api = createCaller(services);
});
afterAll(async () => {
  await services.close();
  fs.rmSync(target, { recursive: true, force: true });
});

const placed = (file: string): string => file.replace(PLACEHOLDER, target);
const after = (words: string[], option: string): string[] => words.filter((_, i) => words[i - 1] === option);

/** What is said since, and not known of what was before: how adapters were asked, when and where runs start, marks. */
function withoutLater(said: unknown, part: string): unknown {
  const isLater = (key: string, value: unknown): boolean =>
    (['promptTemplate', 'notBefore', 'archivedAt', 'away'].includes(key) && value === null) ||
    (part === 'runs' && (key === 'tags' || key === 'notes'));
  return JSON.parse(JSON.stringify(said), (key, value: unknown) => (isLater(key, value) ? undefined : value));
}

describe('a data folder of the version before', () => {
  it('is shown as that version showed it', async () => {
    const said = await describeHome(services, target);
    const { settings, ...stored } = expected.stored;
    for (const [part, want] of Object.entries(stored)) expect(withoutLater(said[part], part), part).toEqual(want);
    const later = { gpu: null, keepAwake: true, heatLimit: null, modelFolders: [], language: 'system' };
    expect(said['settings']).toEqual({ ...(settings as object), ...later });
  });

  it.each(Object.entries(expected.evaluations))('%s has the same loss', async (_, { args, tensorflow }) => {
    const maps = after(args, '--map').map((pair) => pair.split('=') as [string, string]);
    const result = await evaluate(
      {
        engine: 'tensorflow',
        modelDir: placed(tensorflow.modelDir),
        ...(tensorflow.adapterDir ? { adapterDir: placed(tensorflow.adapterDir) } : {}),
        data: {
          file: placed(after(args, '--data')[0]!),
          map: Object.fromEntries(maps),
          lossOn: 'completion',
          maxLength: Number(after(args, '--max-length')[0]),
        },
        batch: 4,
      },
      () => undefined,
    );
    expectClose([result.loss], [tensorflow.loss], { rtol: 1e-6, atol: 1e-6 });
  });

  it.each(Object.entries(expected.goOn))('%s goes on to the same end', async (name, { id, losses }) => {
    const { status } = await api.runs.get({ id });
    await (status === 'paused' ? api.runs.continue({ id }) : api.runs.resume({ id }));
    const { result } = await services.runs.finished(id);
    const { steps } = await api.runs.metrics({ id });
    expect(steps.map(({ step }) => step)).toEqual(losses.map(([step]) => step));
    const told = steps.flatMap(({ loss, lr, gradNorm }) => [loss, lr, gradNorm]);
    expectClose(
      told,
      losses.flatMap(([, ...values]) => values),
      { rtol: 1e-5, atol: 1e-6 },
    );
    const want = weightsOf(path.join(FIXTURE, 'continued', `${name.replaceAll(' ', '-')}.safetensors`));
    const got = weightsOf(path.join(result!.outDir, 'adapter_model.safetensors'));
    expect([...got.keys()]).toEqual([...want.keys()]);
    for (const [tensor, values] of want) expectClose(got.get(tensor)!, values, { rtol: 1e-4, atol: 1e-6 });
  });
});

function weightsOf(path: string): Map<string, Float32Array> {
  const file = openSafetensors(path);
  try {
    return new Map([...file.tensors].map(([name, info]) => [name, readTensorF32(info)]));
  } finally {
    file.close();
  }
}
