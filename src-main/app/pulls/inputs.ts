/** What callers send about Hugging Face's hub. */
import { z } from 'zod';
import { nameSchema } from '../inputs.ts';

export const pullSchema = z.object({
  /** `hf:OWNER/NAME[@REVISION]`, `hf:OWNER/NAME/FILE.gguf`, or an address of the hub. */
  source: z.string().trim().min(1).max(500),
  /** Asks nobody: what is in the cache, or nothing. */
  offline: z.boolean().optional(),
});
export type PullInput = z.output<typeof pullSchema>;

/** `name`: of the model in the catalogue. */
export const startPullSchema = pullSchema.extend({ name: nameSchema.optional() });
export type StartPull = z.output<typeof startPullSchema>;

export const tokenSchema = z.object({ token: z.string().max(2000) });
