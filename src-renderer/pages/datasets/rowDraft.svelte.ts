/**
 * Edits of a dataset's rows that are not saved yet. Each step can be undone; saving writes them as a new version. A
 * reload keeps them.
 */
import { keepEdits, keptEdits, type RowsContent } from './draftStore.ts';
import {
  bringRowBack,
  changeRow,
  editsToSend,
  NO_EDITS,
  removeRows,
  type RowEdits,
  type RowValues,
} from './rowEdits.ts';

const UNDO_STEPS = 50;

export class RowDraft {
  #key: string;
  #content: RowsContent | undefined;
  #edits = $state.raw<RowEdits>(NO_EDITS);
  #before = $state.raw<readonly RowEdits[]>([]);
  readonly changed = $derived(this.#edits.changed);
  readonly removed = $derived(this.#edits.removed);
  readonly added = $derived(this.#edits.added);
  readonly isEmpty = $derived(this.changed.size + this.removed.size + this.added.length === 0);
  readonly canUndo = $derived(this.#before.length > 0);
  /** Whether a reload of the page would keep it. */
  survivesReload = $state(true);

  /** `key`: its name in the window's storage. */
  constructor(key: string) {
    this.#key = key;
  }

  /** The rows that it edits. The first call restores what was kept before a reload. */
  begin(content: RowsContent): void {
    if (this.#content) return;
    this.#content = content;
    this.#edits = keptEdits(sessionStorage, this.#key, content);
  }

  change(index: number, values: RowValues): void {
    this.#step(changeRow(this.#edits, index, values));
  }

  changeAdded(place: number, values: RowValues): void {
    this.#step({ ...this.#edits, added: this.added.with(place, values) });
  }

  add(values: RowValues): void {
    this.#step({ ...this.#edits, added: [...this.added, values] });
  }

  /** Row numbers, and places of added rows. */
  remove(indices: Iterable<number>, places: readonly number[] = []): void {
    this.#step(removeRows(this.#edits, indices, places));
  }

  bringBack(index: number): void {
    this.#step(bringRowBack(this.#edits, index));
  }

  undo(): void {
    const last = this.#before.at(-1);
    if (!last) return;
    this.#set(last);
    this.#before = this.#before.slice(0, -1);
  }

  clear(): void {
    this.#set(NO_EDITS);
    this.#before = [];
  }

  toSend(): ReturnType<typeof editsToSend> {
    return editsToSend(this.#edits);
  }

  #step(next: RowEdits): void {
    this.#before = [...this.#before, this.#edits].slice(-UNDO_STEPS);
    this.#set(next);
  }

  #set(edits: RowEdits): void {
    this.#edits = edits;
    if (this.#content) this.survivesReload = keepEdits(sessionStorage, this.#key, this.#content, edits);
  }
}

const drafts: Record<string, RowDraft> = {};

/** The draft of a version; it stays while the user looks at other pages. */
export function draftOf(datasetId: string, version: number): RowDraft {
  const key = `graft.rowDraft.${datasetId}.${version}`;
  return (drafts[key] ??= new RowDraft(key));
}
