/**
 * The new run that is being set up: a draft that survives a reload, what it means for the chosen model, and its start.
 */
import { api, type Dataset, type ModelView, type RunView, type StartRun } from '../../lib/api.ts';
import { ChosenVersion } from './chosenVersion.svelte.ts';
import { taskNameFor } from './dataVersion.ts';
import { cellsForModel, freshDraft, methodFields, runFields, STEPS, type Draft, type Step } from './draft.ts';
import { parseDraft } from './keptDraft.ts';
import { cellsOf, columns, loraCount, settingsOf, usualTargets, withCells, type MatrixSize } from './matrices.ts';
import { presetSettings, type Preset } from '../../lib/runs/presets.ts';
import { Action } from '../../lib/action.svelte.ts';

const KEY = 'graft.new-run';
/** Sample prompts taken from the data by themselves. */
const SUGGESTED = 2;
const LOW_RANK = ['lora', 'loha', 'lokr'];

export class Wizard {
  draft = $state<Draft>(parseDraft(localStorage.getItem(KEY)));
  models = $state.raw<ModelView[]>([]);
  datasets = $state.raw<Dataset[]>([]);
  /** Task names of the sample datasets, by dataset id. */
  suggestions = $state.raw<Record<string, string>>({});
  /** Sizes of the model's matrices, once they are known. */
  sizes = $state.raw<MatrixSize[]>([]);
  /** Tokens of a usual row, once they are counted. */
  tokensPerRow = $state<number | undefined>();
  /** Prompts of rows kept for validation, once the plan has read them. */
  suggestedPrompts = $state.raw<string[]>([]);
  readonly starting = new Action();

  readonly model = $derived(this.models.find(({ id }) => id === this.draft.modelId));
  readonly dataset = $derived(this.datasets.find(({ id }) => id === this.draft.datasetId));
  readonly version = new ChosenVersion(this);
  readonly chosen: ReadonlySet<string> = $derived(setOf(this.draft.chosen));
  readonly hasTargets = $derived(LOW_RANK.includes(this.draft.method));
  readonly taskName = $derived(this.draft.taskName.trim() || taskNameFor(this.dataset, this.suggestions));
  /** Trained parameters by the closed formula; undefined where only the API knows. */
  readonly count = $derived(this.localCount());

  /** What is answered at each evaluation: the user's own prompts, else the suggested ones. */
  readonly samplePrompts = $derived(
    this.draft.classify ? [] : (this.draft.train.samplePrompts ?? this.suggestedPrompts.slice(0, SUGGESTED)),
  );

  /** Why a step is not done yet; undefined where it is. */
  readonly problems: Record<Step, string | undefined> = $derived.by(() => ({
    model: this.model ? undefined : 'Choose a base model.',
    data: this.dataset ? undefined : 'Choose a dataset.',
    method: this.hasTargets && this.chosen.size === 0 ? 'No matrix is chosen; click at least one.' : undefined,
    schedule: undefined,
    review: undefined,
  }));
  readonly ready = $derived(STEPS.every((step) => this.problems[step] === undefined));

  /** Whether a step can be opened: those before it are done. */
  canOpen(step: Step): boolean {
    return STEPS.slice(0, STEPS.indexOf(step)).every((before) => this.problems[before] === undefined);
  }

  open(step: Step): void {
    if (this.canOpen(step)) this.draft.step = step;
  }

  go(by: 1 | -1): void {
    const next = STEPS[STEPS.indexOf(this.draft.step) + by];
    if (next) this.open(next);
  }

  chooseModel(id: string): void {
    const before = this.model;
    if (before?.id === id) return;
    this.draft.modelId = id;
    if (!this.model) return;
    this.draft.chosen = cellsForModel(before, this.draft.chosen, this.model);
    this.draft.ranks = {};
    this.draft.alphaPattern = {};
    this.applyPreset();
  }

  /** With its current version. */
  chooseDataset(id: string): void {
    const { draft } = this;
    if (draft.datasetId !== id) draft.taskName = '';
    draft.datasetId = id;
    draft.excluded = null;
    const { dataset } = this;
    if (dataset) this.useVersion(dataset.version);
  }

  /** Rows that are left out belong to one version; they stay noted in case the user comes back to it. */
  useVersion(version: number): void {
    this.draft.datasetVersion = version;
    this.tokensPerRow = undefined;
    this.suggestedPrompts = [];
    this.applyPreset();
  }

  trainOnAll(): void {
    this.draft.excluded = null;
  }

  /** Sets what the chosen preset says; a schedule of the user's own stays. */
  applyPreset(preset: Preset | 'custom' = this.draft.preset): void {
    this.draft.preset = preset;
    const { model, dataset } = this;
    if (preset === 'custom' || !model || !dataset) return;
    const { steps, epochs, ...train } = presetSettings(preset, {
      rows: this.version.rows,
      tokensPerRow: this.tokensPerRow,
      parameters: model.parameters,
    });
    this.draft.lengthIn = steps === undefined ? 'epochs' : 'steps';
    Object.assign(
      this.draft.train,
      train,
      steps === undefined ? {} : { steps },
      epochs === undefined ? {} : { epochs },
    );
  }

  setCells(cells: readonly string[], on: boolean): void {
    this.draft.chosen = [...withCells(this.chosen, cells, on)];
    this.draft.ranks = Object.fromEntries(Object.entries(this.draft.ranks).filter(([cell]) => this.chosen.has(cell)));
  }

  /** A rank of one matrix's own; undefined: that of the run. */
  setRank(cell: string, rank: number | undefined): void {
    const others = Object.fromEntries(Object.entries(this.draft.ranks).filter(([name]) => name !== cell));
    this.draft.ranks = rank === undefined || rank === this.draft.rank ? others : { ...others, [cell]: rank };
  }

  rankOf(cell: string): number {
    return this.draft.ranks[cell] ?? this.draft.rank ?? 8;
  }

  /** The usual matrices of the chosen model. */
  chooseUsual(): void {
    if (this.model) this.draft.chosen = columns(this.model, usualTargets(this.model.targets));
  }

  /** Takes over everything that an earlier run was started with. */
  takeOver(run: RunView): void {
    const { method, model: base } = run.spec;
    // A model that was removed and added again has another id.
    const model =
      this.models.find(({ id }) => id === run.modelId) ?? this.models.find(({ hash }) => hash === base.hash);
    const cells =
      model && 'targets' in method
        ? cellsOf(model, method)
        : { chosen: model ? columns(model, usualTargets(model.targets)) : [], ranks: {} };
    this.tokensPerRow = undefined;
    this.draft = {
      ...freshDraft(),
      ...runFields(run),
      modelId: model?.id ?? '',
      ...methodFields(method, cells, model?.layers ?? 0),
      step: 'review',
    };
  }

  startOver(): void {
    this.draft = freshDraft();
    this.tokensPerRow = undefined;
    this.fillIn();
  }

  /** Drops what is gone, and with `choose` chooses what there is no choice about. */
  fillIn({ choose = true } = {}): void {
    if (!this.model) this.draft.modelId = '';
    if (!this.dataset) Object.assign(this.draft, { datasetId: '', datasetVersion: undefined, excluded: null });
    const [model, dataset] = [this.models.at(-1), this.datasets.at(-1)];
    if (choose && !this.draft.modelId && model) this.chooseModel(model.id);
    if (choose && !this.draft.datasetId && dataset && this.datasets.length === 1) this.chooseDataset(dataset.id);
    // Pinned, so that the run is on the rows that were looked at, whatever becomes of the dataset meanwhile.
    this.draft.datasetVersion ??= this.dataset?.version;
    if (this.model && this.draft.chosen.length === 0) this.chooseUsual();
    if (!this.canOpen(this.draft.step))
      this.draft.step = STEPS.find((step) => this.problems[step] !== undefined) ?? 'model';
  }

  keep(): void {
    localStorage.setItem(KEY, JSON.stringify(this.draft));
  }

  /** What the router's schema checks; an empty number box is left to the schema's default. */
  request(): StartRun {
    const { draft } = this;
    const { steps, epochs, ...train } = draft.train;
    return {
      modelId: draft.modelId,
      datasetId: draft.datasetId,
      datasetVersion: this.version.number,
      taskName: this.taskName,
      ...(draft.name.trim() ? { name: draft.name.trim() } : {}),
      engine: draft.engine,
      ...(draft.baseDtype === 'f32' ? {} : { baseDtype: draft.baseDtype }),
      method: this.#method(),
      train: {
        ...train,
        samplePrompts: this.samplePrompts.filter((prompt) => prompt.trim() !== ''),
        ...(draft.lengthIn === 'steps' ? { steps } : { epochs }),
      },
      data: {
        maxLength: draft.maxLength,
        lossOn: draft.lossOn,
        ...(draft.classify ? { classify: true } : {}),
        ...(this.version.excludedLines.length > 0 ? { excludeLines: this.version.excludedLines } : {}),
      },
    };
  }

  /** Starts the run; a draft that has become a run begins anew on the next visit, with the same model. */
  async start(): Promise<RunView | undefined> {
    const run = await this.starting.run(() => api.runs.start.mutate(this.request()));
    if (!run) return undefined;
    const { modelId } = this.draft;
    this.draft = freshDraft();
    this.chooseModel(modelId);
    this.keep();
    return run;
  }

  #method(): StartRun['method'] {
    const { draft, model } = this;
    const cells = model && this.hasTargets ? settingsOf(model, this.chosen, draft.ranks) : { targets: [] };
    const plain = { ...(cells as ReturnType<typeof settingsOf>) };
    delete plain.rankPattern;
    switch (draft.method) {
      case 'lora':
        return {
          type: 'lora',
          rank: draft.rank,
          alpha: draft.alpha,
          dropout: draft.dropout,
          init: draft.init,
          ...(cells as ReturnType<typeof settingsOf>),
          ...(Object.keys(draft.alphaPattern).length > 0 ? { alphaPattern: draft.alphaPattern } : {}),
          ...(draft.dora ? { dora: true } : {}),
          ...(draft.rslora ? { rslora: true } : {}),
          ...(draft.bias === 'none' ? {} : { bias: draft.bias }),
          ...(draft.loraPlusRatio === undefined ? {} : { loraPlusRatio: draft.loraPlusRatio }),
        };
      case 'lokr':
        return {
          type: 'lokr',
          rank: draft.rank,
          alpha: draft.alpha,
          ...plain,
          ...(draft.factor === undefined ? {} : { factor: draft.factor }),
        };
      case 'loha':
        return { type: 'loha', rank: draft.rank, alpha: draft.alpha, ...plain };
      case 'full':
        return {
          type: 'full',
          ...(draft.topLayers === undefined || !model ? {} : { layers: topLayers(model.layers, draft.topLayers) }),
        };
      case 'bitfit':
        return { type: 'bitfit' };
      case 'adapter':
        return { type: 'adapter', kind: draft.adapterKind, bottleneck: draft.bottleneck, skipLayers: draft.skipLayers };
      case 'prefix':
        return {
          type: 'prefix',
          kind: draft.prefixKind,
          prefixLength: draft.prefixLength,
          infixLength: draft.prefixKind === 'key-value' ? 0 : draft.infixLength,
        };
      default:
        return draft.method satisfies never;
    }
  }

  private localCount(): number | undefined {
    const { method, bias, dora } = this.draft;
    if ((method !== 'lora' && method !== 'loha') || (method === 'lora' && bias !== 'none') || this.sizes.length === 0)
      return undefined;
    const count = loraCount(
      this.sizes,
      this.chosen,
      (cell) => (method === 'lora' ? this.rankOf(cell) : (this.draft.rank ?? 8)),
      method === 'lora' && dora,
    );
    return method === 'loha' ? 2 * count : count;
  }
}

/** Never changed: each choice makes a new one. */
function setOf(cells: readonly string[]): ReadonlySet<string> {
  return new Set(cells);
}

function topLayers(layers: number, count: number): number[] {
  const kept = Math.max(1, Math.min(layers, count));
  return Array.from({ length: kept }, (_, i) => layers - kept + i);
}
