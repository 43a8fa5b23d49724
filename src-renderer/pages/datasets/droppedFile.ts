/**
 * A dropped file as a path that Graft can read: Electron tells it; on the web host the content is sent to Graft, which
 * keeps a copy.
 */
import { bridge } from '../../lib/host/bridge.ts';
import { sessionHeaders } from '../../lib/host/session.ts';

export interface Upload {
  path: Promise<string>;
  cancel: () => void;
}

/** `onProgress` gets the share that has been sent, 0 to 1. The promise is rejected with one sentence. */
export function pathOfDropped(file: File, onProgress: (share: number) => void): Upload {
  const known = bridge?.pathOf(file);
  return known ? { path: Promise.resolve(known), cancel: () => undefined } : upload(file, onProgress);
}

function upload(file: File, onProgress: (share: number) => void): Upload {
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
  request.open('POST', `/api/upload?name=${encodeURIComponent(file.name)}`);
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
