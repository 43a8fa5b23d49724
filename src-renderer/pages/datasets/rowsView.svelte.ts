/** The table of a version's rows: what is shown, filtered, selected and edited. */
import { api, type TableRow } from '../../lib/api.ts';
import { numbersOf, withItem, type RowValues } from './rowEdits.ts';
import { Action } from '../../lib/action.svelte.ts';
import { draftOf, type RowDraft } from './rowDraft.svelte.ts';
import { RowPages } from './rowPages.svelte.ts';

const NOTHING = numbersOf([]);

/** A row in the dialog: an existing one, an added one, or a new one. */
export type OpenRow =
  | { kind: 'row'; index: number; values: RowValues }
  | { kind: 'added'; place: number; values: RowValues }
  | { kind: 'new'; values: RowValues };

export class RowsView {
  readonly source: { id: string; version: number };
  readonly draft: RowDraft;
  readonly pages = new RowPages<TableRow>(async (offset, count) => {
    const { total, rows, columns, content } = await api.datasets.rows.query({
      ...this.source,
      filter: this.filter,
      offset,
      count,
    });
    this.columns = columns;
    this.draft.begin(content);
    return { total, rows };
  });
  filter = $state('');
  columns = $state.raw<readonly string[]>([]);
  selected = $state.raw<ReadonlySet<number>>(NOTHING);
  open = $state.raw<OpenRow | undefined>();
  readonly acting = new Action();
  /** Rows of the version, then those that were added. */
  readonly count = $derived.by(() => this.pages.total + this.draft.added.length);

  constructor(source: { id: string; version: number }) {
    this.source = source;
    this.draft = draftOf(source.id, source.version);
  }

  search(text: string): void {
    this.filter = text;
    this.selected = NOTHING;
    void this.pages.reset();
  }

  toggle(index: number, on: boolean): void {
    this.selected = withItem(this.selected, index, on);
  }

  selectNone(): void {
    this.selected = NOTHING;
  }

  /** Selects every row that matches the filter, however many. */
  async selectAll(): Promise<void> {
    const found = await this.acting.run(() => api.datasets.matching.query({ ...this.source, filter: this.filter }));
    if (found) this.selected = numbersOf(found.ranges);
  }

  deleteSelected(): void {
    this.draft.remove(this.selected);
    this.selected = NOTHING;
  }

  /** Opens a row with its whole values, as the draft has it. */
  async edit(index: number): Promise<void> {
    const changed = this.draft.changed.get(index);
    const values = changed ?? (await this.acting.run(() => api.datasets.row.query({ ...this.source, index })))?.values;
    if (values) this.open = { kind: 'row', index, values };
  }

  editAdded(place: number): void {
    this.open = { kind: 'added', place, values: this.draft.added[place]! };
  }

  addRow(): void {
    this.open = { kind: 'new', values: Object.fromEntries(this.columns.map((column) => [column, ''])) };
  }

  /** Keeps what the dialog says in the draft. */
  keep(values: RowValues): void {
    const { open } = this;
    if (open?.kind === 'row') this.draft.change(open.index, values);
    else if (open?.kind === 'added') this.draft.changeAdded(open.place, values);
    else if (open) this.draft.add(values);
    this.open = undefined;
  }
}
