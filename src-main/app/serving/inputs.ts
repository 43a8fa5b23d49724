/** What starts a service. */
import net from 'node:net';
import { z } from 'zod';
import { runSpecSchema } from '../../../src-shared/runSpec.ts';
import { DEFAULT_SERVING_HOST, DEFAULT_SERVING_PORT } from '../../../src-shared/serving.ts';

/** Shorter keys would be guessed. */
const SHORTEST_KEY = 8;
const PORT = 'is no port; give 0 to 65535';

export const startServingSchema = z
  .object({
    /** Absent: the base that most active adapters belong to. */
    modelId: z.string().optional(),
    /** A GGUF file for llama.cpp, in place of a base. */
    gguf: z.string().trim().min(1).optional(),
    engine: runSpecSchema.shape.engine,
    port: z.number().int().min(0, PORT).max(65_535, PORT).default(DEFAULT_SERVING_PORT),
    host: z
      .string()
      .refine((host) => host === 'localhost' || net.isIP(host) !== 0, 'is no address; give one such as 127.0.0.1')
      .default(DEFAULT_SERVING_HOST),
    /** Absent: the one of this data folder; null: nobody is asked for one. */
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'may hold letters, digits and signs only, no blanks')
      .min(SHORTEST_KEY, `is too short; take ${SHORTEST_KEY} characters or more`)
      .nullable()
      .optional(),
  })
  .refine(({ apiKey, host }) => apiKey !== null || isLoopback(host), {
    path: ['apiKey'],
    message: 'is needed where other machines can reach the service',
  });

export type StartServing = z.input<typeof startServingSchema>;

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
