/**
 * Dropped files as paths that Graft can read: Electron tells them; on the web host the content is sent to Graft, which
 * keeps a copy.
 */
import { bridge } from './bridge.ts';
import { sessionHeaders } from './session.ts';

export interface Upload {
  path: Promise<string>;
  cancel: () => void;
}

/** `onProgress` gets the share that has been sent, 0 to 1. The promise is rejected with one sentence. */
export function pathOfDropped(file: File, onProgress: (share: number) => void): Upload {
  const known = bridge?.pathOf(file);
  return known ? { path: Promise.resolve(known), cancel: () => undefined } : upload(file, onProgress);
}

/**
 * A dropped folder, or files that belong together, as the path of one folder; one file by itself as its own.
 * The promise is rejected with one sentence.
 */
export async function pathOfAll(files: readonly File[], onProgress: (share: number) => void): Promise<string> {
  const [first, ...others] = files;
  if (!first) throw new Error('The dropped folder holds no files; drop that of an adapter.');
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  const send = async (file: File, folder?: string): Promise<string> => {
    const shown = (share: number): void => onProgress(total === 0 ? 1 : (before + share * file.size) / total);
    const path = await upload(file, shown, folder).path;
    before += file.size;
    return path;
  };
  const path = await send(first);
  if (others.length === 0) return path;
  const folder = path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')));
  for (const file of others) await send(file, folder.split(/[\\/]/).at(-1));
  return folder;
}

/** What was dropped, and the files right in dropped folders. Called while the event is handled. */
export async function filesOfDrop(transfer: DataTransfer): Promise<File[]> {
  // Read at once: the list is empty after the event.
  const dropped = [...transfer.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const files = await Promise.all(
    dropped.map(({ entry, file }) => (entry?.isDirectory ? filesIn(entry as FileSystemDirectoryEntry) : file)),
  );
  return files.flat().filter((file) => file !== null);
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const files: File[] = [];
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    const those = entries.filter((entry): entry is FileSystemFileEntry => entry.isFile);
    files.push(...(await Promise.all(those.map((entry) => new Promise<File>((ok, fail) => entry.file(ok, fail))))));
  }
}

function upload(file: File, onProgress: (share: number) => void, folder?: string): Upload {
  const request = new XMLHttpRequest();
  const path = new Promise<string>((resolve, reject) => {
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (answer.path !== undefined) resolve(answer.path);
      else reject(new Error(answer.message ?? `Graft did not take ${file.name}; type its path instead.`));
    };
    request.onerror = () =>
      reject(
        new Error(
          `${file.name} did not arrive; check that Graft is still running, or type the path of the file instead.`,
        ),
      );
    request.onabort = () => reject(new Error(`${file.name} was not taken over: you cancelled it.`));
  });
  const beside = folder === undefined ? '' : `&folder=${folder}`;
  request.open('POST', `/api/upload?name=${encodeURIComponent(file.name)}${beside}`);
  for (const [name, value] of Object.entries(sessionHeaders())) request.setRequestHeader(name, value);
  request.send(file);
  return { path, cancel: () => request.abort() };
}

function parsed(text: string): { path?: string; message?: string } {
  try {
    return JSON.parse(text) as { path?: string; message?: string };
  } catch {
    return {};
  }
}
