/** The user's choices for the whole app, read once and shared by all pages. */
import { api, type AppSettings } from '../api.ts';
import { Action } from '../action.svelte.ts';

class Settings {
  value = $state.raw<AppSettings | undefined>();
  readonly saving = new Action();
  #loaded: Promise<void> | undefined;

  /** Reads them, once; a failure shows in `saving`. */
  load(): Promise<void> {
    this.#loaded ??= this.saving
      .run(() => api.system.settings.query())
      .then((value) => {
        if (value) this.value = value;
        else this.#loaded = undefined;
      });
    return this.#loaded;
  }

  async save(change: Partial<AppSettings>): Promise<void> {
    this.value = (await this.saving.run(() => api.system.saveSettings.mutate(change))) ?? this.value;
  }
}

export const appSettings = new Settings();
