/** `merge`: writing W + scale·BA as a new checkpoint, beside `cp` of the same bytes, in a fresh process each time. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { GRAFT, graftCommand, type Context } from '../lib/context.ts';
import { benchFolder, ensureModel } from '../lib/models.ts';
import type { Sample } from '../lib/otherLoad.ts';
import { withPeers, type Peer } from '../lib/peer.ts';
import type { Profile } from '../lib/profile.ts';
import { profileText } from '../lib/profileText.ts';
import { makeRow, peakOf, type CaseResult } from '../lib/result.ts';
import type { TimeAnswer } from '../peers/protocol.ts';
import { ensureAdapter } from './adapters.ts';

export async function merge(context: Context): Promise<CaseResult> {
  const modelDir = await ensureModel('gpt2');
  const adapterDir = await ensureAdapter(context, modelDir, ['q', 'v']);
  const source = path.join(benchFolder(), modelDir, 'model.safetensors');
  const work = { amount: fs.statSync(source).size / 1e6, unit: 'MB/s' };
  const [merged, copied, flushed]: [Sample[], Sample[], Sample[]] = [[], [], []];
  let peakBytes = 0;
  const mergeTurn = async (): Promise<number> => {
    const once = await mergeOnce(context, modelDir, adapterDir);
    peakBytes = Math.max(peakBytes, once.peakBytes);
    return once.ms;
  };
  for (let round = 0; round < (context.quick ? 3 : 8); round++) {
    merged.push(await context.turns.take([], mergeTurn));
    copied.push(await context.turns.take([], async () => copyOnce(source, false)));
    flushed.push(await context.turns.take([], async () => copyOnce(source, true)));
  }
  if (context.profile) await profileMerge(context, modelDir, adapterDir);
  const rows = [
    makeRow('gpt2', GRAFT, merged, work, peakBytes),
    makeRow('gpt2', 'cp', copied, work, null),
    makeRow('gpt2', 'cp and sync', flushed, work, null),
  ];
  return {
    name: 'merge',
    what: 'Merging an adapter (r = 8 on q and v) into a float32 GPT-2-small, against a copy of the file.',
    rows,
    notes: [
      'Graft also hashes the file and flushes it to disk before it gets its name; `cp` leaves it in the page cache.',
    ],
  };
}

async function mergeOnce(
  context: Context,
  modelDir: string,
  adapterDir: string,
): Promise<{ ms: number; peakBytes: number }> {
  return withOutput(context, async (graft, outDir) => {
    const { ms } = await graft.ask<TimeAnswer>('merge', { modelDir, adapterDir, outDir });
    return { ms, peakBytes: await peakOf(graft) };
  });
}

async function profileMerge(context: Context, modelDir: string, adapterDir: string): Promise<void> {
  const profile = await withOutput(context, (graft, outDir) =>
    graft.ask<Profile>('profile', { work: 'merge', request: { modelDir, adapterDir, outDir } }),
  );
  context.say(profileText('merge', profile));
}

/** A fresh process and the name of a folder that is removed afterwards. */
async function withOutput<T>(context: Context, work: (graft: Peer, outDir: string) => Promise<T>): Promise<T> {
  const outDir = `merged-${process.pid}`;
  try {
    return await withPeers([graftCommand(context)], ([graft]) => work(graft!, outDir));
  } finally {
    fs.rmSync(path.join(benchFolder(), outDir), { recursive: true, force: true });
  }
}

function copyOnce(source: string, flush: boolean): number {
  const target = `${source}.copy`;
  const started = performance.now();
  execFileSync('cp', [source, target]);
  if (flush) execFileSync('sync', [target]);
  const ms = performance.now() - started;
  fs.rmSync(target);
  return ms;
}
