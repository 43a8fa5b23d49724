/** Steps of Graft on one model in a process of its own, with what it held in memory meanwhile. */
import { workerEnvironment } from '../../src-main/app/workers/environment.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import type { Context } from '../lib/context.ts';
import { MemoryWatch, type MemoryPeaks } from '../lib/memoryWatch.ts';
import { benchFolder } from '../lib/models.ts';
import { QuietTurns, type Sample } from '../lib/otherLoad.ts';
import { withPeers } from '../lib/peer.ts';
import { GRAFT_PEER } from '../lib/places.ts';
import { makeRow, peakOf, type Row } from '../lib/result.ts';
import type { Example, GraftSetup, SetupAnswer, StepAnswer } from '../peers/protocol.ts';
import { LORA_TRAIN } from './training.ts';

export interface Alone extends Pick<GraftSetup, 'base' | 'embedding'> {
  variant: string;
  dir: string;
  engine: BackendName;
  examples: Example[];
  /** On the same examples, one after the other. */
  steps: number;
}

export interface AloneResult {
  row: Row;
  losses: number[];
  /** From an empty process to the model with its adapter. */
  loadMs: number;
}

export async function stepAlone(context: Context, alone: Alone): Promise<AloneResult> {
  const { variant, dir, engine, base, embedding, examples, steps } = alone;
  const name = `Graft, ${engine}, layers ${base}, embedding and head ${embedding}`;
  const peer = {
    name,
    command: process.execPath,
    args: [GRAFT_PEER, engine],
    cwd: benchFolder(),
    env: workerEnvironment(),
    lossTolerance: 0,
  };
  const turns = new QuietTurns(0); // a step takes minutes: it is marked where others worked, not repeated
  return withPeers([peer], async ([graft]) => {
    const watch = new MemoryWatch(graft!.pid);
    try {
      const started = performance.now();
      await graft!.ask<SetupAnswer>('setup', {
        modelDir: dir,
        initFile: `init-${process.pid}.safetensors`,
        method: 'lora',
        recompute: true,
        rank: 8,
        alpha: 16,
        targets: ['q', 'v'],
        train: LORA_TRAIN,
        base,
        embedding,
      } satisfies GraftSetup);
      const loadMs = performance.now() - started;
      context.say(`${variant}: ${engine} has loaded it after ${(loadMs / 1000).toFixed(0)} s`);
      const losses: number[] = [];
      const samples: Sample[] = [];
      const step = async (): Promise<number> => {
        const { loss, ms } = await graft!.ask<StepAnswer>('step', { examples });
        losses.push(loss);
        return ms;
      };
      for (let i = 0; i < steps; i++) samples.push(await turns.take([graft!.pid], step));
      const deviceBytes = engine === 'webgpu' ? await peakOf(graft!) : null;
      const peaks = watch.stop();
      const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
      const row = makeRow(variant, name, samples, { amount: tokens, unit: 'tokens/s' }, peaks?.residentBytes ?? null);
      return { row: { ...row, more: columns(deviceBytes, peaks) }, losses, loadMs };
    } finally {
      watch.stop();
    }
  });
}

function columns(deviceBytes: number | null, peaks: MemoryPeaks | null): Record<string, string> {
  const gb = (bytes: number | undefined | null): string =>
    bytes === undefined || bytes === null ? '' : `${(bytes / 1e9).toFixed(2)} GB`;
  return { 'device memory': gb(deviceBytes), 'host memory outside the driver': gb(peaks?.hostBytes) };
}
