/**
 * The new run that is being set up: a draft that survives a reload, what it means for the chosen model, and its start.
 */
import { api, type Dataset, type ModelView, type RunView, type StartRun } from '../../lib/api.ts';
import { ChosenObjective } from './chosenObjective.svelte.ts';
import { ChosenStart } from './chosenStart.svelte.ts';
import { ChosenVersion } from './chosenVersion.svelte.ts';
import { taskNameFor } from './dataVersion.ts';
import { cellsForModel, freshDraft, methodFields, runFields, STEPS, type Draft, type Step } from './draft.ts';
import { parseDraft } from './keptDraft.ts';
import { dataProblem, methodStepProblem, trainProblem } from './fieldProblems.ts';
import { cellsOf, columns, rankBound, withCells, type MatrixSize, type CellSettings } from './matrices.ts';
import { fromField } from '../../lib/runs/startTime.ts';
import { requestOf } from './request.ts';
import { presetSettings, type Preset } from '../../lib/runs/presets.ts';
import { Action } from '../../lib/action.svelte.ts';
import { descriptorOf, type MethodType } from '../../../src-shared/methods/registry.ts';
import { FittedSettings } from './fittedSettings.svelte.ts';
import { countOf, methodRequest, valueOf } from './methodForm.ts';

const KEY = 'graft.new-run';
/** Sample prompts taken from the data by themselves. */
const SUGGESTED = 2;

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
  readonly objective = new ChosenObjective(this);
  readonly begins = new ChosenStart(this);
  readonly fit = new FittedSettings(this);
  readonly chosen: ReadonlySet<string> = $derived(setOf(this.draft.chosen));
  /** The descriptor of the chosen method. */
  readonly method = $derived(descriptorOf(this.draft.method));
  readonly hasTargets = $derived(this.begins.adapter === undefined && this.method.targets !== undefined);
  /** Single matrices can have a rank of their own. */
  readonly hasRanks = $derived('rankPattern' in this.method.settings);
  readonly rank = $derived(Number(this.setting('rank') ?? 8));
  /** The largest rank that the chosen matrices take; undefined while their sizes are not known. */
  readonly rankBound = $derived(
    rankBound(this.chosen, 'rankPattern' in this.method.settings ? this.draft.ranks : {}, this.sizes),
  );
  /** What goes on from an adapter is for the same task. */
  readonly taskName = $derived(
    this.draft.taskName.trim() || (this.begins.adapter?.taskName ?? taskNameFor(this.dataset, this.suggestions)),
  );
  /** Trained parameters by the closed formula; undefined where only the API knows. */
  readonly count = $derived(this.localCount());

  /** What is answered at each evaluation: the user's own prompts, else the suggested ones. */
  readonly samplePrompts = $derived(
    this.objective.classifies ? [] : (this.draft.train.samplePrompts ?? this.suggestedPrompts.slice(0, SUGGESTED)),
  );

  /** Why a step is not done yet; undefined where it is. */
  readonly problems: Record<Step, string | undefined> = $derived.by(() => ({
    model: this.model ? undefined : 'Choose a base model.',
    data: this.dataset ? (dataProblem(this.draft) ?? this.objective.problem) : 'Choose a dataset.',
    method: this.begins.problem ?? (this.begins.adapter ? undefined : methodStepProblem(this)),
    schedule: trainProblem(this.draft),
    review: undefined,
  }));
  /** Before the rows are known nothing can be said of what is learnt from them. */
  readonly ready = $derived(
    this.objective.shape !== undefined && STEPS.every((step) => this.problems[step] === undefined),
  );

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
    this.fit.choice = undefined;
    this.draft.modelId = id;
    this.draft.startsFrom = '';
    if (!this.model) return;
    this.draft.chosen = cellsForModel(before, this.draft.chosen, this.model, this.#usual());
    this.draft.ranks = {};
    this.draft.alphaPattern = {};
    this.applyPreset();
  }

  /** With its current version. */
  chooseDataset(id: string): void {
    const { draft } = this;
    this.fit.choice = undefined;
    if (draft.datasetId !== id) Object.assign(draft, { taskName: '', objective: 'auto', objectiveSettings: {} });
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

  /** Rows by their lines, beside those that are left out already. */
  leaveOut(lines: readonly number[]): void {
    const version = this.version.number;
    if (version === undefined) return;
    const before = this.version.excludedLines;
    const all = [...before, ...lines.filter((line) => !before.includes(line))].sort((a, b) => a - b);
    this.draft.excluded = { version, lines: all };
  }

  trainOnAll(): void {
    this.draft.excluded = null;
  }

  /** Sets what the chosen preset says; a schedule of the user's own stays. */
  applyPreset(preset: Preset | 'custom' = this.draft.preset): void {
    if (preset !== this.draft.preset) this.draft.byHand = this.draft.byHand.filter((part) => part !== 'batch');
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
    this.draft.ranks = rank === undefined || rank === this.rank ? others : { ...others, [cell]: rank };
  }

  rankOf(cell: string): number {
    return (this.hasRanks ? this.draft.ranks[cell] : undefined) ?? this.rank;
  }

  /** The usual matrices of the chosen model. */
  chooseUsual(): void {
    if (this.model) this.draft.chosen = columns(this.model, this.#usual());
  }

  /** Matrices that were the usual ones of the method before become those of this one. */
  chooseMethod(type: MethodType): void {
    const { model } = this;
    const before = setOf(model ? columns(model, this.#usual()) : []);
    this.draft.method = type;
    const wereUsual = before.size === this.chosen.size && [...before].every((cell) => this.chosen.has(cell));
    if (this.hasTargets && (wereUsual || this.chosen.size === 0)) this.chooseUsual();
  }

  /** A setting of the method as it would be sent. */
  setting(name: string): unknown {
    return valueOf(this.method, this.draft.settings, name);
  }

  /** Undefined: as the method has it. */
  enter(name: string, value: unknown): void {
    this.draft.settings[name] = value;
  }

  #usual(): string[] {
    const { model, method } = this;
    return (model && method.targets?.usual(model)) ?? [];
  }

  /** Takes over everything that an earlier run was started with, but for its name, which others have too. */
  takeOver(run: RunView, names: readonly string[]): void {
    const { method, model: base } = run.spec;
    // A model that was removed and added again has another id.
    const model =
      this.models.find(({ id }) => id === run.modelId) ?? this.models.find(({ hash }) => hash === base.hash);
    const cells = model ? cellsOf(model, method as CellSettings) : { chosen: [], ranks: {} };
    this.tokensPerRow = undefined;
    this.fit.choice = undefined;
    this.draft = {
      ...freshDraft(),
      ...runFields(run, names),
      modelId: model?.id ?? '',
      ...methodFields(method, cells, model?.layers ?? 0),
      step: 'review',
    };
  }

  /** Begins anew; what was set up is returned, to be taken back. */
  startOver(): Draft {
    const before = $state.snapshot(this.draft);
    this.draft = freshDraft();
    this.fit.choice = undefined;
    this.tokensPerRow = undefined;
    this.fillIn();
    return before;
  }

  /** Takes back a draft that was given up. */
  takeBack(draft: Draft): void {
    this.draft = draft;
    this.fit.choice = undefined;
    this.tokensPerRow = undefined;
    this.fillIn({ choose: false });
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

  /** What is started. */
  request(): StartRun {
    const notBefore = this.draft.target === '' ? fromField(this.draft.notBefore) : undefined;
    return { ...this.fit.appliedTo(this.asked()), ...(notBefore ? { notBefore } : {}) };
  }

  /** The same without what Graft has chosen. */
  asked(): StartRun {
    const { draft, version, taskName, samplePrompts } = this;
    const objective = this.objective.request();
    return requestOf(draft, { version, taskName, samplePrompts, method: this.#method(), objective });
  }

  /** Starts the run; a draft that has become a run begins anew on the next visit, with the same model. */
  async start(): Promise<RunView | undefined> {
    const run = await this.starting.run(() => api.runs.start.mutate(this.request()));
    if (!run) return undefined;
    const { modelId } = this.draft;
    this.draft = freshDraft();
    this.fit.choice = undefined;
    this.chooseModel(modelId);
    this.keep();
    return run;
  }

  #method(): StartRun['method'] {
    return methodRequest(this.method, this.draft, this.model);
  }

  private localCount(): number | undefined {
    if (!this.model || this.begins.adapter) return undefined;
    return countOf(this.method, this.#method(), this.model, {
      sizes: this.sizes,
      chosen: this.chosen,
      rankOf: (cell) => this.rankOf(cell),
    });
  }
}

/** Never changed: each choice makes a new one. */
function setOf(cells: readonly string[]): ReadonlySet<string> {
  return new Set(cells);
}
