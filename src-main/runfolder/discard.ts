/** What the folder of a run needs no more. */
import fs from 'node:fs';
import path from 'node:path';
import { removeJournal } from './journal.ts';
import { endStateFile, runStateFile } from './layout.ts';

const BEST_VALUES = /^\.?best-(\d+)\.safetensors/;

/** Removes all but those of `keep`, unfinished files of a killed run included. */
export function removeBestValues(runDir: string, keep: number[] = []): void {
  for (const name of fs.readdirSync(runDir)) {
    const step = BEST_VALUES.exec(name)?.[1];
    if (step !== undefined && (name.startsWith('.') || !keep.includes(Number(step))))
      fs.rmSync(path.join(runDir, name), { force: true });
  }
}

/**
 * For a run whose end is recorded, and not before: one that is killed between its end and the record goes on from its
 * state. A stopped run keeps the state, since it can be continued.
 */
export function discardOf(runDir: string, outcome: 'completed' | 'stopped'): void {
  removeJournal(runDir);
  if (outcome === 'stopped') return;
  try {
    // Whoever trains it further may still end with its best values.
    if (!fs.existsSync(endStateFile(runDir))) removeBestValues(runDir);
    fs.rmSync(runStateFile(runDir), { force: true });
  } catch {
    // It only takes room, until the run is deleted.
  }
}
