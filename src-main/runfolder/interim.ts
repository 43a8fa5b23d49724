/** What a paused run leaves to be tried out, beside its run state and replaced in one step. */
import fs from 'node:fs';
import { replaceFolder } from '../files/writeWhole.ts';
import { interimDir, interimInTheMaking } from './layout.ts';

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
