/** Everything a new run is set up with, as plain data that the browser keeps between visits. */
import { FIT_PARTS, type FitPart } from '../../../src-shared/plan.ts';
import type { PromptTemplate } from '../../../src-shared/promptTemplates.ts';
import { LOSS_DEFAULTS } from '../../../src-shared/settings/data.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import type { RunView, StartRun } from '../../lib/api.ts';
import type { Excluded } from './dataVersion.ts';
import { columns, type Shape } from './matrices.ts';
import { startOf } from '../../lib/runs/startOf.ts';
import { freshName } from '../../../src-shared/freshName.ts';
import type { Preset } from '../../lib/runs/presets.ts';
import { descriptorOf, type MethodType } from '../../../src-shared/methods/registry.ts';
import { enteredFrom, type Entered } from './methodForm.ts';
import { objectiveFields, type ObjectiveChoice } from './objectiveForm.ts';

type Method = StartRun['method'];
type Train = NonNullable<StartRun['train']>;

export const STEPS = ['model', 'data', 'method', 'schedule', 'review'] as const;
export type Step = (typeof STEPS)[number];
export const STEP_NAMES: Record<Step, string> = {
  model: 'Model',
  data: 'Data',
  method: 'Method & targets',
  schedule: 'Schedule',
  review: 'Review',
};

/** Raised when the form of a draft changes; one of another version is not read. */
export const VERSION = 2;

export interface Draft {
  version: number;
  step: Step;
  modelId: string;
  datasetId: string;
  /** Version of the dataset that the run is to train on. */
  datasetVersion: number | undefined;
  /** Null: every row is trained on. */
  excluded: Excluded | null;
  /** Empty: named after the data. */
  taskName: string;
  name: string;
  /** Of a `datetime-local` field; empty: at once. */
  notBefore: string;
  /** Name of the target that trains it; empty: this machine. */
  target: string;
  engine: NonNullable<StartRun['engine']>;
  baseDtype: NonNullable<StartRun['baseDtype']>;
  embeddingDtype: NonNullable<StartRun['embeddingDtype']>;
  method: MethodType;
  /** Settings of the methods, by name. */
  settings: Entered;
  /** `auto`: what suits the rows. */
  objective: ObjectiveChoice | 'auto';
  /** Settings of the objective, by name. */
  objectiveSettings: Entered;
  /** Id of the adapter whose values the run begins with, in place of a method; empty: the base as it is. */
  startsFrom: string;
  /** Adapted matrices (`3.q`). */
  chosen: string[];
  /** Ranks of single matrices. */
  ranks: Record<string, number>;
  alphaPattern: Record<string, number>;
  /** Where a method takes a number of the highest layers: undefined trains all. */
  topLayers: number | undefined;
  preset: Preset | 'custom';
  lengthIn: 'steps' | 'epochs';
  train: Train;
  lossOn: 'completion' | 'all';
  maxLength: number | undefined;
  /** What of base form, batch, recomputation and length the user has set: never changed so that the run fits. */
  byHand: FitPart[];
  classify: boolean;
  promptTemplate: PromptTemplate;
  /** In Jinja, where `promptTemplate` is `own`. */
  ownTemplate: string;
  /** Control tokens in the text of rows are tokens, not text. */
  controlTokens: boolean;
}

/** Of the sample prompts nothing is said: while the user has written none, the dataset's own are taken. */
const { samplePrompts: _samplePrompts, ...TRAIN_USUAL } = TRAIN_DEFAULTS;

export function freshDraft(): Draft {
  return {
    version: VERSION,
    step: 'model',
    modelId: '',
    datasetId: '',
    datasetVersion: undefined,
    excluded: null,
    taskName: '',
    name: '',
    notBefore: '',
    target: '',
    engine: 'auto',
    baseDtype: 'f32',
    embeddingDtype: 'f32',
    method: 'lora',
    settings: {},
    objective: 'auto',
    objectiveSettings: {},
    startsFrom: '',
    chosen: [],
    ranks: {},
    alphaPattern: {},
    topLayers: undefined,
    preset: 'balanced',
    lengthIn: 'epochs',
    train: { ...TRAIN_USUAL, steps: 100 },
    ...LOSS_DEFAULTS,
    byHand: [],
    classify: false,
    promptTemplate: 'auto',
    ownTemplate: '',
    controlTokens: false,
  };
}

/** The matrices kept for another model, for this one: the same targets in every layer, else the usual ones. */
export function cellsForModel(
  before: Shape | undefined,
  chosen: readonly string[],
  now: Shape,
  usual: readonly string[],
): string[] {
  const set = new Set(chosen);
  const targets =
    before?.targets.filter(
      (target) => now.targets.includes(target) && columns(before, [target]).every((cell) => set.has(cell)),
    ) ?? [];
  return columns(now, targets.length > 0 ? targets : usual);
}

/** The settings of an earlier run's method; `cells` and `layers` must be those of its model. */
export function methodFields(
  method: Method,
  cells: { chosen: string[]; ranks: Record<string, number> },
  layers: number,
): Partial<Draft> {
  const descriptor = descriptorOf(method.type);
  const { alphaPattern = {}, layers: own } = method as { alphaPattern?: Record<string, number>; layers?: number[] };
  return {
    method: method.type,
    settings: enteredFrom(descriptor, method),
    ...(descriptor.targets ? { ...cells, alphaPattern } : { topLayers: own ? layers - Math.min(...own) : undefined }),
  };
}

/**
 * Everything but the model and the method that an earlier run was started with, under a name of its own. `taken`: names
 * of runs.
 */
export function runFields(
  {
    name: before,
    spec,
    datasetId,
    away,
  }: Pick<RunView, 'name' | 'spec' | 'datasetId'> & Partial<Pick<RunView, 'away'>>,
  taken: readonly string[] = [],
): Partial<Draft> {
  const name = freshName(before, taken);
  const { data, train, task, engine, baseDtype = 'f32', embeddingDtype = 'f32' } = spec;
  const { version, excludeLines = [] } = data;
  return {
    datasetId: datasetId ?? '',
    datasetVersion: version,
    excluded: version !== undefined && excludeLines.length > 0 ? { version, lines: [...excludeLines] } : null,
    taskName: task,
    name: name === task ? '' : name,
    target: away?.target ?? '',
    engine,
    baseDtype,
    embeddingDtype,
    lossOn: data.lossOn,
    maxLength: data.maxLength,
    classify: data.classify ?? false,
    promptTemplate: data.promptTemplate ?? 'auto',
    ownTemplate: data.ownTemplate ?? '',
    controlTokens: data.controlTokens ?? false,
    byHand: [...FIT_PARTS],
    ...objectiveFields(spec.objective),
    startsFrom: startOf(spec) ?? '',
    preset: 'custom',
    lengthIn: train.steps === undefined ? 'epochs' : 'steps',
    train: { ...train },
  };
}
