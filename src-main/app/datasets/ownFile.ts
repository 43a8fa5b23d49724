/** Files of rows that Graft writes for a dataset to be, each in a folder of its own beside the uploads. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { writeFolderAtomic } from '../../files/writeWhole.ts';
import type { Home } from '../storage/home.ts';

const MOST_NAME = 100;

/** `fill` writes the file that it is given the path of. Whole or not at all; returns the path. */
export async function writeOwnFile(
  home: Home,
  name: string,
  fill: (file: string) => Promise<void> | void,
): Promise<string> {
  const folder = path.join(home.uploadsDir, randomBytes(5).toString('hex'));
  const fileName = plainName(name);
  await writeFolderAtomic(folder, (dir) => fill(path.join(dir, fileName)));
  return path.join(folder, fileName);
}

/** Without what no file system takes. */
function plainName(name: string): string {
  return name
    .replace(/[\p{Cc}<>:"|?*/\\]/gu, '_')
    .replace(/^\.+/, '')
    .slice(-MOST_NAME);
}
