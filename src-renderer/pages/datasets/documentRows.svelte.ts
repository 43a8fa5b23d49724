/** Documents that are made into rows: which ones, what a row is, and how far that has come. */
import type { ConvertedDocuments, ConvertEvent, RowUnit } from '../../../src-shared/documents.ts';
import { api } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { pathOfDropped } from '../../lib/host/droppedFile.ts';
import { streamOptions } from '../../lib/stream.ts';

export class DocumentRows {
  /** What was dropped or put on the list. */
  paths = $state.raw<string[]>([]);
  /** In the field. */
  path = $state('');
  rowUnit = $state<RowUnit>('chunk');
  maxChars = $state<number | undefined>(2000);
  overlapChars = $state<number | undefined>(0);
  progress = $state.raw<{ done: number; total: number; file: string } | undefined>();
  result = $state.raw<ConvertedDocuments | undefined>();
  readonly taking = new Action();
  readonly making = new Action();
  #end: () => void = () => undefined;

  /** All that is named, each once. */
  get all(): string[] {
    const typed = this.path.trim();
    return typed === '' || this.paths.includes(typed) ? this.paths : [...this.paths, typed];
  }

  /** Dropped files; on the web host they are sent to Graft first. */
  async take(dropped: File[] | Promise<File[]>): Promise<void> {
    await this.taking.run(async () => {
      for (const file of await dropped) {
        const path = await pathOfDropped(file, () => undefined).path;
        if (!this.paths.includes(path)) this.paths = [...this.paths, path];
      }
    });
  }

  /** Puts what is in the field on the list. */
  list(): void {
    this.paths = this.all;
    this.path = '';
  }

  leaveOut(path: string): void {
    this.paths = this.paths.filter((one) => one !== path);
  }

  /** The file of rows; undefined where it failed or was called off. */
  async make(): Promise<string | undefined> {
    this.result = undefined;
    const { rowUnit, maxChars, overlapChars } = this;
    const settings = rowUnit === 'chunk' ? { maxChars, overlapChars } : {};
    this.result = await this.making.run(() => this.#convert({ paths: this.all, rowUnit, ...settings }));
    return this.result?.file;
  }

  #convert(input: Parameters<typeof api.datasets.convert.subscribe>[0]): Promise<ConvertedDocuments | undefined> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.progress = undefined;
        this.#end = () => undefined;
        subscription.unsubscribe();
      };
      this.#end = () => {
        end();
        resolve(undefined);
      };
      const data = (event: ConvertEvent): void => {
        if (event.type === 'progress') return void (this.progress = event);
        end();
        resolve(event.result);
      };
      const failed = (sentence: string): void => {
        end();
        reject(new Error(sentence));
      };
      const done = (): void => undefined;
      const subscription = api.datasets.convert.subscribe(input, streamOptions({ data, failed, done }, end));
    });
  }

  /** Nothing is written then. */
  stop(): void {
    this.#end();
  }
}
