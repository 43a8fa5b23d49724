/** A run's own rows for methods that start from the data, and the file where such a start is kept. */
import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { castF32 } from '../../safetensors/dtype.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { writeSafetensors } from '../../safetensors/write.ts';
import { collate } from '../../datasets/batches.ts';
import type { BatchPlan } from '../../datasets/batchPlan.ts';
import { systemErrorAbout } from '../../files/systemError.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import type { KeptStart, Probe } from '../../methods/probe.ts';
import { startFile } from '../../runfolder/layout.ts';
import type { Draft } from './draft.ts';
import type { Run } from './run.ts';

/** Seconds between two sentences about a look at the data. */
const SAY_EVERY_S = 10;

/** The micro-batches of the run as its steps will see them, for one epoch after the other. */
export function probeOf({ data }: Pick<Draft, 'data'>, plan: BatchPlan, emit: Run['emit']): Probe {
  const known: Batch[] = [];
  let step = 0;
  let saidMs = performance.now();
  const say = (message: string): void => emit({ type: 'log', message });
  return {
    batch: (index) => {
      while (known.length <= index)
        known.push(...plan.rowsOf(++step).map((rows) => collate(data.train, rows, data.padId)));
      return known[index]!;
    },
    say,
    onBatch: async (done) => {
      if (performance.now() - saidMs > 1000 * SAY_EVERY_S) {
        saidMs = performance.now();
        say(`Before the first step the start is looked for in the data: ${done} batches read.`);
      }
      await setImmediate(); // lets messages in
    },
  };
}

/** In a file of the run's folder, which one process of a run writes. */
export function keptStart(runDir: string, { writes }: { writes: boolean }): KeptStart {
  const file = startFile(runDir);
  return {
    read: () => {
      if (!fs.existsSync(file)) return null;
      const source = openSafetensors(file);
      try {
        return new Map(
          [...source.tensors].map(([name, info]) => [name, { shape: info.shape, data: readTensorF32(info) }]),
        );
      } finally {
        source.close();
      }
    },
    write: async (values) => {
      if (!writes) return;
      fs.mkdirSync(runDir, { recursive: true });
      const entries = [...values].map(([name, { shape, data }]) => ({
        name,
        dtype: 'F32' as const,
        shape,
        data: () => castF32(data, 'F32'),
      }));
      try {
        await writeSafetensors(file, entries);
      } catch (error) {
        throw systemErrorAbout(error, file);
      }
    },
  };
}
