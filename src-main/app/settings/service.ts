/** What the user has chosen for the whole app; kept in the catalogue. */
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { Watchers } from '../events/watchers.ts';
import { heatLimitSchema } from '../../../src-shared/heat.ts';
import { BACKENDS } from '../../../src-shared/backends.ts';
import { LANGUAGE_CHOICES } from '../../../src-shared/languages.ts';

const appSettingsSchema = z.object({
  /** What `auto` means: the fastest by calibration, or this engine while it is usable. */
  defaultEngine: z.enum(['auto', ...BACKENDS]).default('auto'),
  /** Part of the name of the graphics card to compute on; null: whatever the driver takes. GRAFT_GPU wins. */
  gpu: z.string().trim().min(1).nullable().default(null),
  /** Of runs that name none; null: the engine's own limit. */
  memoryLimitBytes: z
    .number()
    .int()
    .min(1 << 20)
    .nullable()
    .default(null),
  /** The machine does not go to sleep while a run is under way. */
  keepAwake: z.boolean().default(true),
  /** When runs wait for the card or the processor to cool down; null: never. */
  heatLimit: heatLimitSchema.nullable().default(null),
  /** Say when a run or an export ends. */
  notifications: z.boolean().default(true),
  /** Folders beside those of other programs in which models are looked for. */
  modelFolders: z.array(z.string().trim().min(1)).max(20).default([]),
  /** Of the page. */
  language: z.enum(LANGUAGE_CHOICES).default('system'),
});
export type AppSettings = z.infer<typeof appSettingsSchema>;

/** A change names only what changes; the defaults of the schema must not fill in the rest. */
export const settingsChangeSchema = z.object({
  defaultEngine: appSettingsSchema.shape.defaultEngine.unwrap().exactOptional(),
  gpu: appSettingsSchema.shape.gpu.unwrap().exactOptional(),
  memoryLimitBytes: appSettingsSchema.shape.memoryLimitBytes.unwrap().exactOptional(),
  keepAwake: appSettingsSchema.shape.keepAwake.unwrap().exactOptional(),
  heatLimit: appSettingsSchema.shape.heatLimit.unwrap().exactOptional(),
  notifications: appSettingsSchema.shape.notifications.unwrap().exactOptional(),
  modelFolders: appSettingsSchema.shape.modelFolders.unwrap().exactOptional(),
  language: appSettingsSchema.shape.language.unwrap().exactOptional(),
});

const KEY = 'app';

export class SettingsService {
  #catalog: Pick<Catalog, 'settings'>;
  #watchers = new Watchers<AppSettings>();

  constructor(catalog: Pick<Catalog, 'settings'>) {
    this.#catalog = catalog;
  }

  /** What is stored and does not fit any more counts as not chosen. */
  read(): AppSettings {
    const parsed = appSettingsSchema.safeParse(this.#catalog.settings.get(KEY) ?? {});
    return parsed.success ? parsed.data : appSettingsSchema.parse({});
  }

  save(change: Partial<AppSettings>): AppSettings {
    const next = appSettingsSchema.parse({ ...this.read(), ...change });
    this.#catalog.settings.set(KEY, next);
    this.#watchers.emit(KEY, next);
    return next;
  }

  /** Told every change; the returned function ends that. */
  subscribe(listener: (settings: AppSettings) => void): () => void {
    return this.#watchers.subscribe(KEY, listener);
  }

  /** A run's request with the memory limit of the settings, where it names none itself. */
  withMemoryLimit<T extends { train: { memoryLimitBytes?: number | undefined } }>(request: T): T {
    const { memoryLimitBytes } = this.read();
    if (memoryLimitBytes === null || request.train.memoryLimitBytes !== undefined) return request;
    return { ...request, train: { ...request.train, memoryLimitBytes } };
  }
}
