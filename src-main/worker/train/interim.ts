/**
 * What a paused run leaves to be tried out: a whole adapter folder (or model folder) beside its checkpoint, replaced in
 * one step.
 */
import fs from 'node:fs';
import path from 'node:path';
import { replaceFolder } from '../../files/writeWhole.ts';

const INTERIM = 'interim';
const IN_THE_MAKING = 'interim-next';

export function interimDir(runDir: string): string {
  return path.join(runDir, INTERIM);
}

/** Where the next one is written before it takes the old one's place. */
export function interimInTheMaking(runDir: string): string {
  return path.join(runDir, IN_THE_MAKING);
}

/** `save` writes a folder that does not exist yet. Throws what it throws; the old interim result then stays. */
export async function saveInterim<T>(runDir: string, save: (dir: string) => Promise<T>): Promise<T> {
  const next = interimInTheMaking(runDir);
  fs.rmSync(next, { recursive: true, force: true });
  try {
    const written = await save(next);
    replaceFolder(next, interimDir(runDir));
    return written;
  } catch (error) {
    fs.rmSync(next, { recursive: true, force: true });
    throw error;
  }
}

export function removeInterim(runDir: string): void {
  for (const dir of [interimDir(runDir), interimInTheMaking(runDir)]) fs.rmSync(dir, { recursive: true, force: true });
}
