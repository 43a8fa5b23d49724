/** Parts of what callers send that belong to no one entity. */
import { z } from 'zod';

export const byId = z.object({ id: z.string() });
export const byIds = z.object({ ids: z.array(z.string()).min(1) });

/** Of a model, a dataset, a run or an adapter. */
export const nameSchema = z.string().trim().min(1).max(120);

export const taskNameSchema = z.string().trim().min(1).max(80);
