/** Identifiers of what Graft keeps. */
import { randomBytes } from 'node:crypto';

/** A new identifier that says what it names: `run-3f9a0c11d2`. */
export function newId(
  kind:
    | 'model'
    | 'pull'
    | 'data'
    | 'task'
    | 'run'
    | 'adapter'
    | 'export'
    | 'history'
    | 'study'
    | 'suite'
    | 'drafts'
    | 'recipe',
): string {
  return `${kind}-${randomBytes(5).toString('hex')}`;
}
