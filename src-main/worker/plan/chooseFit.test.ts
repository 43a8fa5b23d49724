/** The mildest settings that fit, for ever less memory. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { fitChanges, fitted } from '../../../src-shared/fit.ts';
import { FIT_PARTS, type FitSettings } from '../../../src-shared/plan.ts';
import { countTokens } from '../../engine/train/batchLoss.ts';
import { withDraft, type Draft } from '../train/draft.ts';
import { chooseFit } from './chooseFit.ts';
import { estimateMemory } from './estimate.ts';
import { longestBatch } from './longestBatch.ts';

const CONFIG = {
  ...TINY_LLAMA,
  hidden_size: 128,
  intermediate_size: 320,
  num_hidden_layers: 3,
  max_position_embeddings: 256,
};
const ROWS = Array.from({ length: 16 }, () => JSON.stringify({ prompt: 'a', completion: 'b'.repeat(100) }));

async function onDraft<T>(overrides: object, work: (draft: Draft) => Promise<T>): Promise<T> {
  const { engine = 'webgpu', ...rest } = overrides as { engine?: 'webgpu' | 'tensorflow' };
  const spec = await tinyRun({ rows: ROWS, data: { maxLength: 128 }, train: { batch: 8, accumulate: 2 }, ...rest });
  const dir = await writeTinyModel(path.join(temporaryFolder(), 'm'), { config: CONFIG });
  return withDraft({ ...spec, engine, model: { dir, hash: hashOf(dir) } }, () => undefined, work);
}

const bytesWith = async (draft: Draft, settings: FitSettings): Promise<number> => {
  const { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing } = settings;
  const train = { ...draft.train, batch, accumulate, gradientCheckpointing };
  const tried = { ...draft, baseDtype, embeddingDtype, train };
  return (await estimateMemory(tried, longestBatch(tried))).totalBytes;
};

describe('on a card', () => {
  it('changes nothing where the run fits', () =>
    onDraft({}, async (draft) => {
      const { chosen, asked } = await chooseFit(draft, 1e12);
      const { binds, ...settings } = asked;
      expect(binds).toBe(true);
      expect(chosen).toEqual({ ...settings, fits: true, slower: 1, lossError: 0 });
      expect(fitChanges(asked, chosen!)).toEqual([]);
    }));

  it('chooses nothing where nobody tells the memory', () =>
    onDraft({}, async (draft) => {
      expect(await chooseFit(draft, null)).toMatchObject({ chosen: null, rows: [], limitBytes: null });
    }));

  it('leaves room to spare, and takes what only barely fits where nothing else does', () =>
    onDraft({}, async (draft) => {
      const { asked } = await chooseFit(draft, null);
      const roomy = await chooseFit(draft, asked.totalBytes);
      expect(roomy.chosen!.totalBytes).toBeLessThanOrEqual(0.85 * asked.totalBytes);
      expect(roomy.chosen).toMatchObject({ baseDtype: 'f32', maxLength: 128 });
      const least = (await chooseFit(draft, 1)).rows.at(-1)!;
      expect((await chooseFit(draft, least.totalBytes)).chosen).toEqual({ ...least, fits: true });
    }));

  it('keeps what the user has set, and shows what would fit without', () =>
    onDraft({}, async (draft) => {
      const { asked } = await chooseFit(draft, null);
      const all = [...FIT_PARTS];
      const limitBytes = Math.floor(0.7 * asked.totalBytes);
      const free = await chooseFit(draft, limitBytes);
      expect(free.chosen!.batch).toBeLessThan(8);
      const kept = await chooseFit(draft, limitBytes, ['batch', 'baseDtype', 'embeddingDtype']);
      expect(kept.chosen).toMatchObject({ batch: 8, accumulate: 2, baseDtype: 'f32', gradientCheckpointing: true });
      const nothing = await chooseFit(draft, limitBytes, all);
      expect(nothing).toEqual({ ...free, chosen: null });
      for (const part of all) {
        const { chosen } = await chooseFit(draft, limitBytes, [part]);
        expect(chosen?.[part], part).toBe(asked[part]);
      }
    }));

  // 2 rows of 102 tokens, whose widest layer takes 4 * 320 bytes each, or 4 * 128 where blocks are computed again.
  it('never chooses what the card cannot bind, whatever its memory', () =>
    onDraft({}, async (draft) => {
      const tokens = countTokens(longestBatch(draft)) / 8;
      const few = { ...draft, bindingBytes: 2 * tokens * 4 * 320 };
      for (const limitBytes of [null, 1e12])
        expect((await chooseFit(few, limitBytes)).chosen).toMatchObject({ batch: 4, gradientCheckpointing: true });
      expect((await chooseFit(few, 1e12, ['gradientCheckpointing'])).chosen).toMatchObject({ batch: 2, accumulate: 8 });
      const single = { ...draft, bindingBytes: tokens * 4 * 128 };
      expect((await chooseFit(single, 1e12)).chosen).toMatchObject({ batch: 1, baseDtype: 'f32', maxLength: 128 });
      const half = { ...draft, bindingBytes: 64 * 4 * 128 };
      expect((await chooseFit(half, 1e12)).chosen).toMatchObject({ batch: 1, maxLength: 64 });
      expect((await chooseFit(half, 1e12, ['maxLength'])).chosen).toBeNull();
    }));

  it(
    'takes what costs nothing first, then time, then quality, then tokens',
    () =>
      onDraft({}, async (draft) => {
        const { asked } = await chooseFit(draft, null);
        let last = { lossError: 0, batch: 8, maxLength: 128 };
        const seen = new Set<string>();
        for (let limitBytes = asked.totalBytes; ; limitBytes = Math.floor(limitBytes * 0.6)) {
          const { chosen, rows } = await chooseFit(draft, limitBytes);
          if (!chosen) {
            expect(rows.every(({ fits }) => !fits)).toBe(true);
            break;
          }
          expect(chosen.totalBytes).toBeLessThanOrEqual(limitBytes);
          expect(chosen.batch * chosen.accumulate).toBe(16); // the rows of a step stay
          if (chosen.maxLength === 128) expect(await bytesWith(draft, chosen)).toBe(chosen.totalBytes);
          expect(chosen.lossError).toBeGreaterThanOrEqual(last.lossError);
          expect(chosen.maxLength).toBeLessThanOrEqual(last.maxLength);
          if (chosen.maxLength < 128) expect([chosen.batch, chosen.baseDtype]).toEqual([1, 'nf4']);
          seen.add(chosen.baseDtype);
          last = chosen;
        }
        expect(seen.size).toBeGreaterThan(1);
      }),
    120_000,
  );

  it('leaves full fine-tuning in float32', () =>
    onDraft({ method: { type: 'full' } }, async (draft) => {
      const { rows } = await chooseFit(draft, 1);
      expect(new Set(rows.map(({ baseDtype }) => baseDtype))).toEqual(new Set(['f32']));
    }));
});

it('pays no quality for room that no form gives: most of a small process is the engine itself', () =>
  onDraft({ engine: 'tensorflow' }, async (draft) => {
    const least = (await chooseFit(draft, 1)).rows.at(-1)!.totalBytes;
    const { chosen, rows } = await chooseFit(draft, Math.floor(least / 0.86));
    expect(rows.at(-1)).toMatchObject({ baseDtype: 'nf4', fits: true });
    expect(chosen).toMatchObject({ baseDtype: 'f32', batch: 1, accumulate: 16, lossError: 0 });
  }));

it('packs the base on the processor, too', () =>
  onDraft({ engine: 'tensorflow' }, async (draft) => {
    const { rows, asked } = await chooseFit(draft, 1);
    expect(rows[0]).toMatchObject({ baseDtype: 'f32', batch: 1, accumulate: 16, gradientCheckpointing: true });
    expect(rows.map(({ baseDtype }) => baseDtype)).toContain('nf4');
    expect(rows.every(({ fits, totalBytes }) => !fits && totalBytes < asked.totalBytes)).toBe(true);
  }));

it('is put into the request, length only where it is shorter', () => {
  const asked = { baseDtype: 'f32', embeddingDtype: 'f32', batch: 8, accumulate: 1, maxLength: 512 } as const;
  const chosen = { ...asked, baseDtype: 'nf4', embeddingDtype: 'int8', batch: 2, accumulate: 4 } as const;
  const settings = { gradientCheckpointing: true };
  const request = { name: 'x', train: { batch: 8, lr: 1 }, data: { maxLength: 1024 } };
  expect(fitted(request, { ...asked, gradientCheckpointing: false }, { ...chosen, ...settings })).toEqual({
    name: 'x',
    baseDtype: 'nf4',
    embeddingDtype: 'int8',
    train: { lr: 1, batch: 2, accumulate: 4, gradientCheckpointing: true },
    data: { maxLength: 1024 },
  });
  const row = { ...chosen, ...settings, totalBytes: 1, fits: true, slower: 4 / 3, lossError: 0.0045 };
  expect(fitChanges({ ...asked, gradientCheckpointing: false }, row).map(({ what }) => what)).toEqual([
    'base in nf4, embeddings int8',
    '2 rows at a time, 4 times per step',
    'blocks computed again for the gradient',
  ]);
});
