/** Serves the built renderer: files below one folder, nothing else. */
import fs from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';

/** By file extension. */
export const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/**
 * The file that an address path names below `root`; undefined when it names none, or lies outside even through links.
 */
export function resolveStatic(root: string, pathname: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0')) return undefined;
  const file = path.join(root, decoded.endsWith('/') ? `${decoded}index.html` : decoded);
  let inside: string;
  try {
    if (!fs.statSync(file).isFile()) return undefined;
    inside = path.relative(fs.realpathSync(root), fs.realpathSync(file));
  } catch {
    // Not there, a name too long for the file system, a link in a circle: no page has such an address.
    return undefined;
  }
  return inside.startsWith('..') || path.isAbsolute(inside) ? undefined : file;
}

/** Answers 503 where the renderer has not been built, 404 for an unknown file. */
export function serveStatic(root: string, pathname: string, head: boolean, res: ServerResponse): void {
  if (!fs.existsSync(path.join(root, 'index.html'))) {
    return sendText(
      res,
      503,
      'The pages of Graft are not built yet; run "npm run build" (or "npm start", which does it) and reload.',
    );
  }
  const file = resolveStatic(root, pathname);
  if (file === undefined) return sendText(res, 404, `Graft has no page ${pathname}.`);
  // The build names assets by content; the page itself must be fresh after an update.
  const cache = pathname.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  res.writeHead(200, {
    'content-type': CONTENT_TYPES[path.extname(file)] ?? 'application/octet-stream',
    'content-length': fs.statSync(file).size,
    'cache-control': cache,
  });
  if (head) return void res.end();
  fs.createReadStream(file)
    .on('error', () => res.destroy())
    .pipe(res);
}

export function sendText(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  res.end(`${text}\n`);
}
