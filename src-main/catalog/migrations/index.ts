/** The migrations in order; the n-th brings the schema to user_version n. Only ever append, one file each. */
import { initial } from './0001-initial.ts';

export const migrations: readonly string[] = [initial];
