/** What a caller says of a run that is carried elsewhere by hand, checked by zod. */
import path from 'node:path';
import { z } from 'zod';
import { SCRIPT_KINDS } from '../../jobs/scripts/jobScript.ts';

export type { ScriptKind } from '../../jobs/scripts/jobScript.ts';

const folderSchema = z
  .string()
  .trim()
  .min(1)
  .refine((dir) => path.isAbsolute(dir), 'must be a whole path, from the root on');

export const exportJobSchema = z.object({
  id: z.string(),
  /** What starts it there. */
  kind: z.enum(SCRIPT_KINDS),
  /** Must not exist. */
  outDir: folderSchema,
  processes: z.number().int().min(1).max(1024).default(1),
});

export const importJobSchema = z.object({ dir: folderSchema });
