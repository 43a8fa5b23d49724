/** Removes what a worker that was ended in the middle of writing left beside its target (see writeWhole.ts). */
import fs from 'node:fs';
import path from 'node:path';
import { nameBehindTemporary } from './writeWhole.ts';

/** Only temporary names of this very target go; it must not be in the making any more. Never throws. */
export function removePartials(target: string): void {
  const dir = path.dirname(target);
  try {
    for (const name of fs.readdirSync(dir)) {
      if (nameBehindTemporary(name) === path.basename(target))
        fs.rmSync(path.join(dir, name), { recursive: true, force: true });
    }
  } catch {
    // A folder that cannot be listed or changed is why the work failed; that error is the one to report.
  }
}
