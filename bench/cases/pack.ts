/**
 * `pack`: a bfloat16 checkpoint brought into its packed form on webgpu: without a cache, into a new one, and out of it.
 * A fresh process for each load. The weights are random, in the shape of a real model (`--models`, TinyLlama 1.1B).
 */
import fs from 'node:fs';
import path from 'node:path';
import type { BaseDtype, EmbeddingDtype } from '../../src-shared/baseDtypes.ts';
import { withBigModel } from '../lib/bigModels.ts';
import type { BigShape } from '../lib/bigShapes.ts';
import { graftCommand, type Context } from '../lib/context.ts';
import { MemoryWatch } from '../lib/memoryWatch.ts';
import { benchFolder } from '../lib/models.ts';
import { QuietTurns } from '../lib/otherLoad.ts';
import { withPeers } from '../lib/peer.ts';
import { makeRow, type CaseResult, type Row } from '../lib/result.ts';
import type { HelloAnswer, PackAnswer } from '../peers/protocol.ts';

const FORMS: { baseDtype: BaseDtype; embeddingDtype: EmbeddingDtype }[] = [
  { baseDtype: 'nf4', embeddingDtype: 'int8' },
  { baseDtype: 'int8', embeddingDtype: 'int8' },
  { baseDtype: 'bf16', embeddingDtype: 'bf16' },
];

export async function pack(context: Context): Promise<CaseResult> {
  const shapes: BigShape[] = context.tiny ? ['tiny'] : (context.sizes.models ?? ['tinyllama-1.1b']);
  const rows: Row[] = [];
  for (const shape of shapes) {
    context.say(`${shape}: writing the checkpoint …`);
    await withBigModel(shape, undefined, async (dir) => {
      for (const forms of context.quick ? FORMS.slice(0, 1) : FORMS)
        rows.push(...(await rowsOf(context, shape, dir, forms)));
    });
  }
  return {
    name: 'pack',
    what: 'A bfloat16 checkpoint onto webgpu in packed forms, a fresh process each time, files in the page cache.',
    rows,
    notes: ['Host memory is what is resident outside the driver, the process itself (some 150 MB) included.'],
  };
}

async function rowsOf(context: Context, shape: BigShape, dir: string, forms: (typeof FORMS)[number]): Promise<Row[]> {
  const cacheDir = path.join(benchFolder(), `packed-${process.pid}`);
  const variant = `${shape}, layers ${forms.baseDtype}, embedding and head ${forms.embeddingDtype}`;
  // float16 and bfloat16 are as fast to read from the checkpoint, and are not kept.
  const kept = forms.baseDtype === 'nf4' || forms.baseDtype === 'int8';
  const loads: [string, string | null][] = kept
    ? [
        ['packed, no cache', null],
        ['packed and kept', cacheDir],
        ['out of the cache', cacheDir],
      ]
    : [['packed', null]];
  const rows: Row[] = [];
  try {
    for (const [how, cache] of loads) {
      rows.push(await loadOnce(context, variant, how, { modelDir: dir, cacheDir: cache, ...forms }));
      context.say(`${variant}: ${how} after ${(rows.at(-1)!.time.median / 1000).toFixed(1)} s`);
    }
  } finally {
    fs.rmSync(cacheDir, { recursive: true, force: true });
  }
  return rows;
}

async function loadOnce(context: Context, variant: string, how: string, request: object): Promise<Row> {
  return withPeers([graftCommand({ ...context, engine: 'webgpu' })], async ([graft]) => {
    await graft!.ask<HelloAnswer>('hello');
    const watch = new MemoryWatch(graft!.pid);
    let answer: PackAnswer | undefined;
    const sample = await new QuietTurns(0).take([graft!.pid], async () => {
      answer = await graft!.ask<PackAnswer>('pack', request);
      return answer.ms;
    });
    const peaks = watch.stop();
    const { weights, cpuMs } = answer!;
    const row = makeRow(
      variant,
      how,
      [sample],
      { amount: weights / 1e6, unit: 'M weights/s' },
      peaks?.residentBytes ?? null,
    );
    const perCpuSecond = `${(weights / cpuMs / 1000).toFixed(0)} M`;
    const host = peaks ? `${(peaks.hostBytes / 1e6).toFixed(0)} MB` : '';
    return { ...row, more: { 'weights per second of a core': perCpuSecond, 'host memory': host } };
  });
}
