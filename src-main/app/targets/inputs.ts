/** What a caller says of targets, checked by zod. */
import { z } from 'zod';
import { remoteTargetSchema } from '../../../src-shared/remoteTargets.ts';

export const targetNameSchema = z.object({ name: z.string() });

export const addTargetSchema = z.object({
  target: remoteTargetSchema,
  /** In place of the one of this name. */
  replace: z.boolean().default(false),
});
export type AddTarget = z.output<typeof addTargetSchema>;
