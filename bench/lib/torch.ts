/** Finding PyTorch, and the ways in which it is raced. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';

/** A Python with PyTorch and where it computes. */
export interface Torch {
  python: string;
  cuda: boolean;
}

/** Seconds for Python to import PyTorch from a cold disk. */
const IMPORT_LIMIT_MS = 120_000;

/**
 * `given`: a folder whose `py` runs Python with PyTorch, or a Python program such as `python3`. PyTorch is raced on
 * CUDA where Graft runs on the GPU too. Null with one line to `say` where there is no PyTorch.
 */
export function findTorch(given: string | null, onGpu: boolean, say: (line: string) => void): Torch | null {
  if (given === null) {
    say('No PyTorch to race against (--torch or GRAFT_TORCH names a folder with py, or a Python): Graft alone.');
    return null;
  }
  const python = pythonOf(given);
  try {
    return { python, cuda: importTorch(python) && onGpu };
  } catch (error) {
    say(
      `${python} does not run Python with PyTorch: Graft alone. ` +
        `(${error instanceof Error ? error.message.split('\n')[0] : String(error)})`,
    );
    return null;
  }
}

/** The program behind `--torch`: a folder's py, a path, or a name on the PATH. */
export function pythonOf(given: string): string {
  if (!given.includes(path.sep) && !fs.existsSync(given)) return given;
  const place = path.resolve(given);
  return fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() ? path.join(place, 'py') : place;
}

/** Whether PyTorch sees a CUDA card. Throws where it cannot be imported. */
function importTorch(python: string): boolean {
  const script = 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")';
  const said = execFileSync(python, ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: IMPORT_LIMIT_MS,
  }).trim();
  if (said !== 'cuda' && said !== 'cpu') throw new GraftError('NO_TORCH', `it answered ${said}`);
  return said === 'cuda';
}
