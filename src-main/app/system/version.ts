/** The version of this Graft. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { GRAFT_ROOT } from '../../files/repository.ts';

export const { version } = createRequire(import.meta.url)(path.join(GRAFT_ROOT, 'package.json')) as { version: string };
