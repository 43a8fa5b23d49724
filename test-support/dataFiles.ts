/** For tests only: small dataset files in a temporary folder. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GraftError } from '../src-shared/errors.ts';

export class TestFolder {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-datasets-'));

  write(name: string, content: string | Uint8Array): string {
    const file = path.join(this.dir, name);
    fs.writeFileSync(file, content);
    return file;
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The GraftError that `run` throws; fails when it throws none. */
export async function graftError(run: () => unknown): Promise<GraftError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof GraftError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
