/**
 * `load`: from a fresh process that has started its engine to the first logits, and the peak memory beside the file's
 * size.
 */
import fs from 'node:fs';
import path from 'node:path';
import { graftCommand, torchCommands, type Context } from '../lib/context.ts';
import { benchFolder, ensureModel, type Shape } from '../lib/models.ts';
import { QuietTurns, type Sample } from '../lib/otherLoad.ts';
import { withPeers, type PeerCommand } from '../lib/peer.ts';
import type { Profile } from '../lib/profile.ts';
import { profileText } from '../lib/profileText.ts';
import { makeRow, peakOf, type CaseResult, type Row } from '../lib/result.ts';
import type { HelloAnswer, TimeAnswer } from '../peers/protocol.ts';

export async function load(context: Context): Promise<CaseResult> {
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const shape of ['gpt2', 'smollm'] as const) {
    const result = await loadShape(context, shape);
    rows.push(...result.rows);
    if (context.profile) await profileLoad(context, shape);
    notes.push(
      `${shape}: the file has ${(result.fileBytes / 1e6).toFixed(0)} MB; a process with its engine and no ` +
        `model holds ${result.emptyNote}.`,
    );
  }
  return {
    name: 'load',
    what: 'Float32 checkpoint to first logits, a fresh process each time, file in the page cache.',
    rows,
    notes,
  };
}

async function loadShape(
  context: Context,
  shape: Shape,
): Promise<{ rows: Row[]; fileBytes: number; emptyNote: string }> {
  const modelDir = await ensureModel(shape);
  const fileBytes = fs.statSync(path.join(benchFolder(), modelDir, 'model.safetensors')).size;
  const commands = [graftCommand(context), ...torchCommands(context)];
  const taken = new Map(commands.map(({ name }) => [name, [] as Loaded[]]));
  for (let round = 0; round < (context.quick ? 2 : 5); round++) {
    for (const command of commands) taken.get(command.name)!.push(await loadOnce(command, modelDir));
  }
  const rows = [...taken].map(([name, all]) =>
    makeRow(
      shape,
      name,
      all.map(({ sample }) => sample),
      { amount: fileBytes / 1e6, unit: 'MB/s' },
      Math.max(...all.map(({ peakBytes }) => peakBytes)),
    ),
  );
  const emptyNote = [...taken]
    .map(([name, all]) => `${(Math.max(...all.map(({ emptyBytes }) => emptyBytes)) / 1e6).toFixed(0)} MB (${name})`)
    .join(', ');
  return { rows, fileBytes, emptyNote };
}

async function profileLoad(context: Context, shape: Shape): Promise<void> {
  const request = { modelDir: await ensureModel(shape) };
  await withPeers([graftCommand(context)], async ([graft]) => {
    await graft!.ask<HelloAnswer>('hello');
    context.say(profileText(`load of ${shape}`, await graft!.ask<Profile>('profile', { work: 'load', request })));
  });
}

interface Loaded {
  sample: Sample;
  emptyBytes: number;
  peakBytes: number;
}

async function loadOnce(command: PeerCommand, modelDir: string): Promise<Loaded> {
  return withPeers([command], async ([peer]) => {
    await peer!.ask<HelloAnswer>('hello');
    const emptyBytes = await peakOf(peer!);
    // A second load in the same process would find a warm engine, so a disturbed one is not repeated.
    const sample = await new QuietTurns(0).take(
      [peer!.pid],
      async () => (await peer!.ask<TimeAnswer>('load', { modelDir })).ms,
    );
    return { sample, emptyBytes, peakBytes: await peakOf(peer!) };
  });
}
