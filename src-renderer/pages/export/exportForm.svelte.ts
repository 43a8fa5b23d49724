/** What is to be exported, where to, and what the plan says about it before it starts. */
import { parseScales } from '../../lib/tasks/scales.ts';
import {
  api,
  type AdapterView,
  type ExportPlan,
  type ExportRecord,
  type ModelView,
  type SystemInfo,
} from '../../lib/api.ts';
import { EXPORT_FORMAT_FACTS, isAsItIs } from '../../../src-shared/exportFormats.ts';
import { QUANTISATIONS, type ExportFormat, type Quantisation } from '../../../src-shared/exports.ts';
import { firstChoice } from './firstChoice.ts';
import { freeFolderName } from './exportProgress.ts';
import { Resource } from '../../lib/resource.svelte.ts';

export type ExportDtype = '' | 'f32' | 'f16' | 'bf16';

export interface Pick {
  /** Of the first also a model's, which is written as it is. */
  adapterId: string;
  scale: number | undefined;
}

const PLAN_DELAY_MS = 200;

/** What a folder's name ends in. The runtimes of GGUF call the model by it, so there it is the task's name alone. */
const ENDINGS: Record<ExportFormat, string> = {
  ollama: '',
  lmstudio: '',
  gguf: '',
  hf: '-merged',
  peft: '-adapter',
  'lora-gguf': '-lora',
  mlx: '-mlx',
};

export interface Exportable {
  adapters: AdapterView[];
  models: ModelView[];
}

export class ExportForm {
  format = $state<ExportFormat>('ollama');
  /** Types of the GGUF files, of which Ollama takes one. */
  quantise = $state<Quantisation[]>(['Q8_0']);
  picks = $state<Pick[]>([]);
  typedParent = $state<string | undefined>();
  typedName = $state<string | undefined>();
  /** Empty: as the base. */
  dtype = $state<ExportDtype>('');
  /** Largest size of a weights file; 0: files as the base has them. */
  maxShardBytes = $state(0);
  allowFailedCertificate = $state(false);
  readonly plan: Resource<ExportPlan | undefined>;
  readonly adapters: AdapterView[];
  readonly models: ModelView[];
  readonly separator: string;
  #info: SystemInfo;
  #taken: () => string[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly facts = $derived.by(() => EXPORT_FORMAT_FACTS[this.format]);
  /** Whether a whole model is written, base and adapters in one where there are adapters. */
  readonly isModel = $derived.by(() => this.facts.holds === 'model');
  /** The model that is written as it is. */
  readonly model = $derived.by(() => this.models.find(({ id }) => id === this.picks[0]?.adapterId));
  /** Whether base and adapters are merged, so that there may be several of them. */
  readonly merges = $derived(this.isModel && !this.model);
  readonly first = $derived.by(() => this.adapters.find(({ id }) => id === this.picks[0]?.adapterId));
  /** Adapters that may be merged with the first: those of its base. */
  readonly companions = $derived.by(() => this.adapters.filter((adapter) => adapter.baseHash === this.first?.baseHash));
  readonly suggested = $derived.by(() =>
    freeFolderName(
      `${this.first?.taskName ?? this.model?.name ?? 'model'}${ENDINGS[this.format]}`,
      (name) => this.#taken().includes(this.#in(name)) || this.#existing.includes(this.#in(name)),
    ),
  );
  readonly parent = $derived.by(
    () => this.typedParent ?? ((this.format === 'lmstudio' && this.#info.lmStudioDir) || this.#info.exportsDir),
  );
  readonly name = $derived(this.typedName ?? this.suggested);
  /** Why what is typed is no place for an export. */
  readonly placeProblem = $derived.by(() => {
    const name = this.name.trim();
    if (/[\\/]/.test(name) || name === '.' || name === '..')
      return 'The new folder is one name, without / or \\; choose under “Inside” where it is made.';
    const parent = this.parent.trim();
    if (parent !== '' && !/^(\/|\\|[a-z]:[\\/])/i.test(parent))
      return `“${parent}” is no full path; choose the folder with Browse…, or type its path from the start.`;
    return undefined;
  });
  readonly outDir = $derived.by(() => this.#in(this.name.trim()));
  readonly complete = $derived(
    this.picks.length > 0 &&
      this.placeProblem === undefined &&
      this.name.trim() !== '' &&
      this.parent.trim() !== '' &&
      this.picks.every(({ scale }) => scale !== undefined) &&
      (!this.facts.quantised || this.quantise.length > 0),
  );
  /** Folders that the plan has found to exist though no export names them. */
  #existing = $state.raw<string[]>([]);

  /**
   * taken: folders of earlier exports. wanted: the adapter or model to begin with, or several adapters with scales
   * (`id:scale,id:scale`).
   */
  constructor({ adapters, models }: Exportable, info: SystemInfo, wanted: string | null, taken: () => string[]) {
    this.adapters = adapters;
    this.models = models;
    this.#taken = taken;
    this.separator = info.platform === 'win32' ? '\\' : '/';
    this.#info = info;
    const all = [...adapters, ...models];
    const known = parseScales(wanted ?? '').filter(({ id }) => all.some((one) => one.id === id));
    const first = firstChoice(adapters) ?? models.findLast(({ runId }) => runId !== null);
    const begin = known.length > 0 || !first ? known : [{ id: first.id, scale: 1 }];
    this.picks = begin.map(({ id, scale }) => ({ adapterId: id, scale }));
    this.plan = new Resource(() =>
      this.complete ? api.exports.plan.query(this.request()) : Promise.resolve(undefined),
    );
  }

  request() {
    const isFolder = this.format === 'hf';
    const settings = {
      format: this.format,
      outDir: this.outDir,
      ...(this.dtype && isFolder ? { dtype: this.dtype } : {}),
      ...(this.maxShardBytes > 0 && isFolder ? { maxShardBytes: this.maxShardBytes } : {}),
      ...(this.facts.quantised ? { quantise: this.quantise } : {}),
      ...(this.allowFailedCertificate && this.isModel ? { allowFailedCertificate: true } : {}),
    };
    if (this.model) return { ...settings, modelId: this.model.id };
    const picks = this.isModel ? this.picks : this.picks.slice(0, 1);
    const adapters = picks.map(({ adapterId, scale }) => ({ adapterId, scale: this.isModel ? (scale ?? 1) : 1 }));
    return { ...settings, adapters };
  }

  /** Chooses the first adapter, or a model, which stands alone. */
  chooseFirst(id: string): void {
    const [first, ...others] = this.picks;
    const isModel = this.models.some((model) => model.id === id);
    this.picks = isModel ? [{ adapterId: id, scale: 1 }] : [{ adapterId: id, scale: first?.scale ?? 1 }, ...others];
  }

  choose(format: ExportFormat): void {
    this.format = format;
    if (format === 'ollama') this.quantise = this.quantise.slice(0, 1);
  }

  /** Ollama takes one type at a time; the others a file for each that is marked. */
  mark(type: Quantisation, wanted: boolean): void {
    const others = this.format === 'ollama' ? [] : this.quantise.filter((one) => one !== type);
    const all = wanted ? [...others, type] : others;
    this.quantise = QUANTISATIONS.filter((one) => all.includes(one));
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
    const model = isAsItIs(record) ? this.models.find(({ dir }) => dir === record.modelDir) : undefined;
    if (model) this.picks = [{ adapterId: model.id, scale: 1 }];
    if (picks.length > 0) this.picks = picks;
    this.format = record.format;
    this.dtype = record.dtype ?? '';
    this.maxShardBytes = record.maxShardBytes ?? 0;
    if (record.quantise) this.quantise = record.quantise;
    const end = Math.max(record.outDir.lastIndexOf('/'), record.outDir.lastIndexOf('\\'));
    this.typedParent = record.outDir.slice(0, Math.max(1, end));
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
