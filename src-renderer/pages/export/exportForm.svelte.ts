/** What is to be exported, where to, and what the plan says about it before it starts. */
import { parseScales } from '../../lib/tasks/scales.ts';
import { api, type AdapterView, type ExportPlan, type ExportRecord, type SystemInfo } from '../../lib/api.ts';
import { firstChoice } from './firstChoice.ts';
import { freeFolderName } from './exportProgress.ts';
import { Resource } from '../../lib/resource.svelte.ts';

export type ExportKind = ExportRecord['kind'];
export type ExportDtype = '' | 'f32' | 'f16' | 'bf16';

export interface Pick {
  adapterId: string;
  scale: number | undefined;
}

const PLAN_DELAY_MS = 200;

export class ExportForm {
  kind = $state<ExportKind>('merged');
  picks = $state<Pick[]>([]);
  parent = $state('');
  typedName = $state<string | undefined>();
  /** Empty: as the base. */
  dtype = $state<ExportDtype>('');
  allowFailedCertificate = $state(false);
  readonly plan: Resource<ExportPlan | undefined>;
  readonly adapters: AdapterView[];
  readonly separator: string;
  #taken: () => string[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly first = $derived.by(() => this.adapters.find(({ id }) => id === this.picks[0]?.adapterId));
  /** Adapters that may be merged with the first: those of its base. */
  readonly companions = $derived.by(() => this.adapters.filter((adapter) => adapter.baseHash === this.first?.baseHash));
  readonly suggested = $derived.by(() =>
    freeFolderName(
      `${this.first?.taskName ?? 'model'}-${this.kind}`,
      (name) => this.#taken().includes(this.#in(name)) || this.#existing.includes(this.#in(name)),
    ),
  );
  readonly name = $derived(this.typedName ?? this.suggested);
  readonly outDir = $derived.by(() => this.#in(this.name.trim()));
  readonly complete = $derived(
    this.picks.length > 0 &&
      this.name.trim() !== '' &&
      this.parent.trim() !== '' &&
      this.picks.every(({ scale }) => scale !== undefined),
  );
  /** Folders that the plan has found to exist though no export names them. */
  #existing = $state.raw<string[]>([]);

  /**
   * taken: folders of earlier exports. wanted: the adapter to begin with, or several with scales (`id:scale,id:scale`).
   */
  constructor(adapters: AdapterView[], info: SystemInfo, wanted: string | null, taken: () => string[]) {
    this.adapters = adapters;
    this.#taken = taken;
    this.separator = info.platform === 'win32' ? '\\' : '/';
    this.parent = info.exportsDir;
    const known = parseScales(wanted ?? '').filter(({ id }) => adapters.some((adapter) => adapter.id === id));
    const first = firstChoice(adapters);
    const begin = known.length > 0 || !first ? known : [{ id: first.id, scale: 1 }];
    this.picks = begin.map(({ id, scale }) => ({ adapterId: id, scale }));
    this.plan = new Resource(() =>
      this.complete ? api.exports.plan.query(this.request()) : Promise.resolve(undefined),
    );
  }

  request() {
    return {
      kind: this.kind,
      adapters: (this.kind === 'adapter' ? this.picks.slice(0, 1) : this.picks).map(({ adapterId, scale }) => ({
        adapterId,
        scale: scale ?? 1,
      })),
      outDir: this.outDir,
      ...(this.dtype && this.kind === 'merged' ? { dtype: this.dtype } : {}),
      ...(this.allowFailedCertificate && this.kind === 'merged' ? { allowFailedCertificate: true } : {}),
    };
  }

  /** Asks for the plan once the user has stopped typing. Reads all that the plan depends on, for an effect. */
  planSoon(): void {
    void JSON.stringify(this.request());
    void this.#taken();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askPlan(), PLAN_DELAY_MS);
  }

  addPick(): void {
    const next = this.companions.find(({ id }) => this.picks.every(({ adapterId }) => adapterId !== id)) ?? this.first;
    if (next) this.picks.push({ adapterId: next.id, scale: 1 });
  }

  /** Fills in an earlier export, to repeat it. */
  fillFrom(record: ExportRecord): void {
    const dirs = record.tasks ?? [{ adapterDir: record.adapterDir, scale: 1 }];
    const picks = dirs.flatMap(({ adapterDir, scale }) =>
      this.adapters.filter(({ dir }) => dir === adapterDir).map(({ id }) => ({ adapterId: id, scale })),
    );
    if (picks.length > 0) this.picks = picks;
    this.kind = record.kind;
    this.dtype = record.dtype ?? '';
    const end = Math.max(record.outDir.lastIndexOf('/'), record.outDir.lastIndexOf('\\'));
    this.parent = record.outDir.slice(0, Math.max(1, end));
    this.typedName = record.outDir.slice(end + 1);
  }

  async #askPlan(): Promise<void> {
    await this.plan.load();
    const { data } = this.plan;
    // A taken name is not suggested.
    if (data?.problem?.code === 'FOLDER_EXISTS' && this.typedName === undefined)
      this.#existing = [...this.#existing, data.outDir];
  }

  #in(name: string): string {
    const parent = this.parent.trim();
    return parent.endsWith(this.separator) ? `${parent}${name}` : `${parent}${this.separator}${name}`;
  }
}
