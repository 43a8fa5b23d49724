import { expect, it } from 'vitest';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import { outOfMemory } from './outOfMemory.ts';

const sentence = (tensorLimitBytes: number | null): string => {
  const settings = trainSettingsSchema.parse({});
  const run = { settings, progress: { step: 4 }, tensorLimitBytes } as Parameters<typeof outOfMemory>[0];
  const batches = [{ T: 96 }, { T: 160 }] as Parameters<typeof outOfMemory>[1];
  return outOfMemory(run, batches, new Error('no memory')).message;
};

it('names what the tensors may take, and changes that need less', () => {
  expect(sentence(300 * 2 ** 20)).toBe(
    'Step 5 does not fit into the 300 MiB that its tensors may take even with one row of 160 tokens at a time; start ' +
      'again with gradient checkpointing, a maximum length below 160 tokens or a smaller base model.',
  );
  expect(sentence(null)).toMatch(/does not fit into the memory that the engine has even with/);
});

it('a limit that Graft itself takes up is no number of MiB below zero', () => {
  for (const limit of [-139 * 2 ** 20, 0, 1000]) {
    expect(sentence(limit)).toMatch(/into the memory limit, which Graft takes up before the first tensor,/);
    expect(sentence(limit)).toMatch(/start again with a higher memory limit, /);
    expect(sentence(limit)).not.toMatch(/MiB/);
  }
});
