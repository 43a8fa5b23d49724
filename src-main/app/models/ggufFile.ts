import fs from 'node:fs';
import { openRegularFile } from '../../files/foreignFile.ts';

/** Whether what a user names is a GGUF file and not a folder: by its name, or, as Ollama's, by its first bytes. */
export function isGgufFile(path: string): boolean {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (path.toLowerCase().endsWith('.gguf')) return stat?.isDirectory() !== true;
  return stat?.isFile() === true && beginsAsGguf(path);
}

function beginsAsGguf(path: string): boolean {
  let fd: number | undefined;
  try {
    ({ fd } = openRegularFile(path));
    const magic = new Uint8Array(4);
    return fs.readSync(fd, magic, 0, 4, 0) === 4 && new TextDecoder('latin1').decode(magic) === 'GGUF';
  } catch {
    return false;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
