/** Half-written files and folders of processes that were killed, removed when Graft starts. */
import fs from 'node:fs';
import path from 'node:path';
import { ownerOfTemporary } from '../../files/writeWhole.ts';
import { MANAGED_FOLDERS, type Home } from './home.ts';

/** Those of living processes stay: the command line and the app may share a data folder. Never throws. */
export function removeAbandonedPartials(home: Home, isOther: (pid: number) => boolean): void {
  const folders = [...MANAGED_FOLDERS.map((name) => path.join(home.dir, name)), home.exportsDir, home.dir];
  for (const entry of fs.readdirSync(path.join(home.dir, 'datasets'), { withFileTypes: true }))
    if (entry.isDirectory()) folders.push(path.join(entry.parentPath, entry.name));
  for (const folder of folders) {
    for (const name of fs.readdirSync(folder)) {
      const pid = ownerOfTemporary(name);
      if (pid === undefined || isOther(pid)) continue;
      try {
        fs.rmSync(path.join(folder, name), { recursive: true, force: true });
      } catch {
        // What cannot be removed now is counted as left over in Settings.
      }
    }
  }
}
