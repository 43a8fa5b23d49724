/** What a test starts as a host of the app. */
import path from 'node:path';

const SOURCES = { cli: 'src-main/hosts/cli/main.ts', serve: 'src-main/hosts/web/serve.ts' };

/** The bundle of a host beside that of the worker, where `npm test` has built them; else its source. */
export function hostEntry(name: keyof typeof SOURCES): string {
  const worker = process.env['GRAFT_WORKER'];
  return worker
    ? path.join(path.dirname(worker), `${name}.js`)
    : path.resolve(import.meta.dirname, '..', SOURCES[name]);
}
