/** Finding PyTorch, and the ways in which it is raced. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';

/** A Python with PyTorch, where it computes, and whether tcmalloc is there for it. */
export interface Torch {
  python: string;
  cuda: boolean;
  tcmalloc: boolean;
}

/** As bench/peers/torch_lora.py looks for it. */
const TCMALLOC = '/usr/lib/*/libtcmalloc_minimal.so.4';

/** Seconds for Python to import PyTorch from a cold disk. */
const IMPORT_LIMIT_MS = 120_000;

/**
 * `given`: a folder whose `py` runs Python with PyTorch, or a Python program such as `python3`. PyTorch is raced on
 * CUDA where Graft runs on the GPU too. Null with one line to `say` where there is no PyTorch; a line also where it has
 * to do without tcmalloc, with which it is mostly faster on the processor.
 */
export function findTorch(given: string | null, onGpu: boolean, say: (line: string) => void): Torch | null {
  if (given === null) {
    say('No PyTorch to race against (--torch or GRAFT_TORCH names a folder with py, or a Python): Graft alone.');
    return null;
  }
  const python = pythonOf(given);
  try {
    const found = importTorch(python);
    const torch = { python, cuda: found.cuda && onGpu, tcmalloc: found.tcmalloc };
    if (!torch.cuda && !torch.tcmalloc)
      say(
        'libtcmalloc_minimal is not installed where PyTorch runs (Debian: libtcmalloc-minimal4): the rival is raced ' +
          "with its own allocator only, which may not be PyTorch's best.",
      );
    return torch;
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

/** Whether PyTorch sees a CUDA card, and whether tcmalloc is there. Throws where it cannot be imported. */
function importTorch(python: string): Pick<Torch, 'cuda' | 'tcmalloc'> {
  const device = '"cuda" if torch.cuda.is_available() else "cpu"';
  const script = `import glob, torch; print(${device}, len(glob.glob("${TCMALLOC}")))`;
  const said = execFileSync(python, ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: IMPORT_LIMIT_MS,
  }).trim();
  const [, where, libraries] = /^(cuda|cpu) (\d+)$/.exec(said) ?? [];
  if (!where) throw new GraftError('NO_TORCH', `it answered ${said}`);
  return { cuda: where === 'cuda', tcmalloc: Number(libraries) > 0 };
}
