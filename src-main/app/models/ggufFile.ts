import fs from 'node:fs';

/** Whether what a user names is a GGUF file and not a folder. */
export function isGgufFile(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf') && fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true;
}
