/** What the user has chosen for the whole app; kept in the catalogue. */
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { ENGINES } from '../../../src-shared/backends.ts';

export const appSettingsSchema = z.object({
  /** What `auto` means: the fastest by calibration, or this engine while it is usable. */
  defaultEngine: z.enum(['auto', ...ENGINES]).default('auto'),
  /** Of runs that name none; null: the engine's own limit. */
  memoryLimitBytes: z
    .number()
    .int()
    .min(1 << 20)
    .nullable()
    .default(null),
  /** Say when a run or an export ends. */
  notifications: z.boolean().default(true),
});
export type AppSettings = z.infer<typeof appSettingsSchema>;

const KEY = 'app';

/** What is stored and does not fit any more counts as not chosen. */
export function readAppSettings({ settings }: Pick<Catalog, 'settings'>): AppSettings {
  const parsed = appSettingsSchema.safeParse(settings.get(KEY) ?? {});
  return parsed.success ? parsed.data : appSettingsSchema.parse({});
}

export function saveAppSettings(catalog: Pick<Catalog, 'settings'>, change: Partial<AppSettings>): AppSettings {
  const next = appSettingsSchema.parse({ ...readAppSettings(catalog), ...change });
  catalog.settings.set(KEY, next);
  return next;
}

/** A run's request with the memory limit of the settings, where it names none itself. */
export function withMemoryLimit<T extends { train: { memoryLimitBytes?: number | undefined } }>(
  input: T,
  { memoryLimitBytes }: AppSettings,
): T {
  if (memoryLimitBytes === null || input.train.memoryLimitBytes !== undefined) return input;
  return { ...input, train: { ...input.train, memoryLimitBytes } };
}
