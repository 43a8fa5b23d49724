/**
 * What the tuner of the webgpu engine has learnt, kept for the next process in Graft's cache folder: a file that may go
 * at any time, since all of it can be measured again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { setTuningTable, settleTuning, tuningTable, type TuningTable } from '../engine/kernels/webgpu/frozen/tuner.ts';
import { tuningFile } from '../files/tuningFile.ts';
import { writeFileAtomic } from '../files/writeWhole.ts';

const tableSchema = z.record(z.string(), z.string());

/** Puts what is known into the engine; a file that is missing or broken counts as empty. */
export function useTuning(file = tuningFile()): void {
  setTuningTable(readTable(file));
}

/**
 * Tunes what has been used since the last call, and adds it to the file. Costs nothing when there is nothing new. A
 * file that cannot be written only means that the next process measures again. `settle` says how much has been learnt.
 */
export async function keepTuning(file = tuningFile(), settle = settleTuning): Promise<void> {
  if ((await settle()) === 0) return;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // another process may have written meanwhile
    writeFileAtomic(file, `${JSON.stringify({ ...readTable(file), ...tuningTable() }, null, 2)}\n`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

function readTable(file: string): TuningTable {
  try {
    return tableSchema.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}
