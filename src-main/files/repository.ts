/** Where Graft itself lies: sources, bundle and resources. */
import path from 'node:path';

/** Both `src-main/files/` and the bundle's `out/main/` are two folders below it. */
export const GRAFT_ROOT = path.resolve(import.meta.dirname, '../..');
