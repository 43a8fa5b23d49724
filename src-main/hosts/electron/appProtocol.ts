/**
 * Serves the built page to Electron under `app://graft/`: a scheme of its own has an origin, which
 * file:// has not, and reaches no file outside the page's folder.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { CONTENT_TYPES, resolveStatic } from '../web/staticFiles.ts';

export const SCHEME = 'app';
export const ORIGIN = `${SCHEME}://graft`;

const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Answers one request with a file below `folder`, or 404. */
export async function pageResponse(folder: string, request: { url: string; method: string }): Promise<Response> {
  const file = request.method === 'GET' ? fileOf(folder, request.url) : undefined;
  const bytes = file && (await fs.readFile(file).catch(() => undefined));
  if (!file || !bytes) return new Response('Not found', { status: 404, headers: { 'content-type': 'text/plain' } });
  return new Response(new Uint8Array(bytes), {
    headers: {
      'content-type': CONTENT_TYPES[path.extname(file)] ?? 'application/octet-stream',
      'content-security-policy': CONTENT_POLICY,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  });
}

/** The file a URL of ours names; undefined for another origin or a file that is not in the folder. */
function fileOf(folder: string, url: string): string | undefined {
  return url.startsWith(`${ORIGIN}/`) ? resolveStatic(folder, new URL(url).pathname) : undefined;
}
