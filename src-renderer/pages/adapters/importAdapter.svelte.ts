/** Importing an adapter folder: a folder is inspected as soon as it is given, then copied. */
import { api, type AdapterInspection, type AdapterView } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { bridge } from '../../lib/host/bridge.ts';
import { filesOfDrop, pathOfAll } from '../../lib/host/droppedFile.ts';

export class ImportAdapter {
  dir = $state('');
  name = $state('');
  taskName = $state('');
  modelId = $state('');
  /** Of a file of loralib's, which does not store it; undefined: not given yet. */
  alpha = $state<number | undefined>();
  found = $state.raw<AdapterInspection | undefined>();
  /** The folder that Graft has made of what was dropped, which is called by a number, and a better name for it. */
  #copy: { dir: string; name: string } | undefined;
  /** Alpha belongs to one file. */
  #lookedAt = '';
  readonly looking = new Action();
  readonly importing = new Action();
  readonly dropping = new Action();
  /** Of what was dropped and is on its way to Graft, 0 to 1. */
  sent = $state(0);
  readonly ready = $derived(this.found !== undefined && this.name.trim() !== '' && this.taskName.trim() !== '');

  readonly asksAlpha = $derived(
    this.looking.failure?.code === 'LORALIB_ALPHA' || this.found?.format === 'loralib' || this.alpha !== undefined,
  );

  /** A folder, its files together, or one file. */
  async drop([first]: File[], transfer: DataTransfer): Promise<void> {
    const known = first && bridge?.pathOf(first);
    if (known) {
      this.dir = known;
      return;
    }
    const folder = transfer.items[0]?.webkitGetAsEntry();
    const files = filesOfDrop(transfer);
    this.sent = 0;
    const path = await this.dropping.run(async () => pathOfAll(await files, (share) => (this.sent = share)));
    if (path === undefined) return;
    const isFile = (await files).length === 1;
    this.#copy = isFile ? undefined : { dir: path, name: folder?.isDirectory ? folder.name : 'imported' };
    this.dir = path;
  }

  /** Reads the folder; a path that changed meanwhile is read by its own call. */
  async look(): Promise<void> {
    const dir = this.dir.trim();
    if (dir !== this.#lookedAt) this.alpha = undefined;
    this.#lookedAt = dir;
    this.found = undefined;
    if (dir === '') return;
    const found = await this.looking.run(() => api.adapters.inspect.query({ dir, ...this.#options() }));
    if (!found || this.dir.trim() !== dir) return;
    this.found = found;
    this.name = this.#copy?.dir === dir ? this.#copy.name : found.name;
    this.taskName ||= found.task ?? '';
    this.modelId = found.bases[0]?.id ?? '';
  }

  /** The new adapter, or undefined where it failed. */
  async import(): Promise<AdapterView | undefined> {
    const { found, name, taskName, modelId } = this;
    if (!found) return undefined;
    const request = { dir: found.dir, name, taskName, modelId, ...this.#options() };
    return this.importing.run(() => api.adapters.import.mutate(request));
  }

  #options(): { alpha?: number } {
    return this.alpha !== undefined && this.alpha > 0 ? { alpha: this.alpha } : {};
  }
}
