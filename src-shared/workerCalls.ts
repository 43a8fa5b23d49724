/**
 * The calls between the main process and a worker process (src-main/worker/main.ts).
 * Only small plain data crosses: paths, numbers, text. Weights never do, of rows no more than a page shows or a suite
 * asks.
 */
import type { PromptTemplate } from './promptTemplates.ts';
import type { CardMemory, FitPart, FitResult } from './plan.ts';
import type { BackendName, EngineReport, SelfTestResult } from './backends.ts';
import type { BaseForms } from './baseDtypes.ts';
import type { BadRow, CheckOptions, ColumnPlan, DatasetCheck, DatasetFormat, Example, LossOn } from './datasets.ts';
import type { ErrorData } from './errors.ts';
import type {
  AdapterExportParams,
  AdapterExportResult,
  GgufExportParams,
  GgufExportResult,
  MergeParams,
  MergeResult,
  TaskDir,
  UnmergeParams,
  UnmergeResult,
} from './exports.ts';
import type { AnswerPiece, CompareEvent, GenerateParams, GenerateResult, LoadResult, MixParams } from './generation.ts';
import type {
  AdviseParams,
  AdviseResult,
  AmplificationParams,
  AmplificationResult,
  ComposeParams,
  ComposeResult,
  CompressParams,
  CompressResult,
  IntrudersParams,
  IntrudersResult,
  LabParams,
  LabProgress,
  RateCurve,
  RateGrid,
  RateGridParams,
  RateParams,
  RateProgress,
  SimilarityParams,
  SimilarityResult,
  SpectrumResult,
} from './lab.ts';
import type { JudgeParams, PairOdds } from './judge.ts';
import type { LoadProgress } from './loadProgress.ts';
import type { ModelFit, ModelNeeds, PlanResult, PreflightResult, Room } from './plan.ts';
import type { DataSpec, RunSpec } from './runSpec.ts';
import type { RowLoss } from './recipes.ts';
import type { MeasuredSubject, RunSuiteParams } from './suites.ts';
import type { LengthCounts, PreviewedRow, TokenizerCheck } from './tokens.ts';
import type { ServedLoad } from './serving.ts';
import type { EvaluateResult, InspectedStep, InspectParams, TrainEvent, TrainResult } from './training.ts';

/** One entry per call that a worker process answers: params in, any number of events, one result. */
export interface WorkerCalls {
  engines: { params: { calibrate: boolean }; event: never; result: EngineReport[] };
  /** A few small computations, compared with plain JavaScript. */
  selfTest: { params: { engine: BackendName }; event: never; result: SelfTestResult };
  train: { params: { spec: RunSpec; resume: boolean }; event: TrainEvent; result: TrainResult };
  /** One step and one evaluation on the longest batches of a run that does not start; writes nothing. */
  preflight: { params: { spec: RunSpec; card: CardMemory | null }; event: never; result: PreflightResult };
  /** Takes the steps of a run again up to one of them, and measures its rows; writes nothing. */
  inspectStep: { params: InspectParams; event: { done: number; total: number }; result: InspectedStep };
  /**
   * What a run that does not start comes to, by formulas and shapes alone: steps, tokens, memory; then what would fit.
   */
  plan: { params: { spec: RunSpec; room: Room }; event: never; result: PlanResult };
  planFit: { params: { spec: RunSpec; room: Room; keep: FitPart[] }; event: never; result: FitResult };
  planLargest: { params: { spec: RunSpec; room: Room }; event: never; result: PreflightResult['largest'] };
  /** Memory that a base model takes on each engine. */
  modelNeeds: { params: { modelDir: string }; event: never; result: ModelNeeds[] };
  /** In which form a model of this config.json could be trained. */
  modelFit: {
    params: { config: Record<string, unknown>; engine: BackendName; room: Room };
    event: never;
    result: ModelFit;
  };
  checkTokenizer: { params: { modelDir: string }; event: never; result: TokenizerCheck };
  /** Rows token by token; those that chat template or embedding (of `vocab` rows) do not know with the reason. */
  previewTokens: {
    params: {
      modelDir: string;
      /** Of the rows, which are read as `promptTemplate` asks. */
      plan: ColumnPlan;
      promptTemplate?: PromptTemplate | undefined;
      examples: Example[];
      lossOn: LossOn;
      controlTokens?: boolean | undefined;
      maxLength: number;
      vocab: number;
    };
    event: never;
    result: (PreviewedRow | BadRow)[];
  };
  /** Lengths of the good rows of a file, of which there are `total`, as they are counted. */
  countTokens: {
    params: {
      modelDir: string;
      file: string;
      format?: DatasetFormat | null | undefined;
      part?: string | undefined;
      noHeader?: boolean | undefined;
      plan: ColumnPlan;
      promptTemplate?: PromptTemplate | undefined;
      total: number;
      lossOn: LossOn;
      controlTokens?: boolean | undefined;
    };
    event: LengthCounts;
    result: void;
  };
  checkDataset: { params: CheckOptions; event: never; result: DatasetCheck };
  evaluate: {
    params: {
      engine: BackendName;
      modelDir: string;
      adapterDir?: string;
      data: DataSpec;
      /** Only the rows that a run with this split kept for validation; `hash` of the dataset that it was. */
      heldOut?: { val: number; seed: number; hash?: string };
      batch: number;
    } & BaseForms;
    event: { done: number; total: number };
    result: EvaluateResult;
  };
  /** The loss of single rows, by their numbers among the readable rows of the file. */
  rowLosses: {
    params: {
      engine: BackendName;
      modelDir: string;
      file: string;
      format?: DatasetFormat | null | undefined;
      part?: string | undefined;
      noHeader?: boolean | undefined;
      plan: ColumnPlan;
      rows: number[];
      maxLength: number;
    };
    event: { done: number; total: number };
    result: RowLoss[];
  };
  /** Asks each subject the questions of a suite; what it finds out is told at the end. Keeps nothing. */
  runSuite: { params: RunSuiteParams; event: { done: number; total: number }; result: MeasuredSubject[] };
  /** Puts pairs of answers to a model, in the order of the pairs. Keeps nothing. */
  judge: { params: JudgeParams; event: { done: number; total: number }; result: PairOdds[] };
  /** Loads a base model that stays resident for attach and generate. */
  load: {
    params: { engine: BackendName; modelDir: string } & BaseForms;
    event: LoadProgress;
    result: LoadResult;
  };
  /** Replaces only A and B on the resident base; null means the plain base. */
  attach: { params: { adapterDir: string | null }; event: never; result: { switchMs: number } };
  /**
   * Merges adapters into the resident base's weights, in place of what was attached or merged before; `attach` takes
   * them out.
   */
  mergeInto: { params: { tasks: TaskDir[] }; event: never; result: { switchMs: number } };
  /** Puts two adapters on the resident base, in place of what was attached or merged; another share reads nothing. */
  mix: { params: MixParams; event: never; result: { switchMs: number } };
  generate: { params: GenerateParams; event: AnswerPiece; result: GenerateResult };
  /**
   * The same prompt on the resident base with each of these adapters (null: the plain base), as one batch; events as
   * they come, results in that order.
   */
  compare: {
    params: GenerateParams & { adapterDirs: (string | null)[] };
    event: CompareEvent;
    result: GenerateResult[];
  };
  /** Loads a GGUF file into llama.cpp, whose answers `answer` then gives, in place of a resident base. */
  loadGguf: { params: { file: string }; event: never; result: ServedLoad };
  /**
   * One answer on the resident base with this adapter (null: the plain base). Calls that come while others are under
   * way are decoded with them.
   */
  answer: {
    params: GenerateParams & { adapterDir: string | null };
    event: AnswerPiece;
    result: GenerateResult;
  };
  merge: {
    params: MergeParams;
    event: { done: number; total: number; phase: 'merge' | 'verify' };
    result: MergeResult;
  };
  /** Writes base and adapters in one as GGUF files, and has llama.cpp run them. */
  exportGguf: {
    params: GgufExportParams;
    event: { done: number; total: number; phase: 'merge' | 'verify' };
    result: GgufExportResult;
  };
  /** Writes an adapter by itself for another runtime. */
  exportAdapter: {
    params: AdapterExportParams;
    event: { done: number; total: number; phase: 'copy' };
    result: AdapterExportResult;
  };
  unmerge: { params: UnmergeParams; event: { done: number; total: number }; result: UnmergeResult };
  /** What an adapter's updates consist of, and what two adapters share; writes nothing. */
  labSpectrum: { params: LabParams; event: LabProgress; result: SpectrumResult };
  labSimilarity: { params: SimilarityParams; event: LabProgress; result: SimilarityResult };
  /** Writes an adapter of fewer ranks, and compares it with the one it was made of. */
  labCompress: { params: CompressParams; event: LabProgress; result: CompressResult };
  /** Writes the weighted sum of adapters, or a blend of them, as a new one. */
  labCompose: { params: ComposeParams; event: LabProgress; result: ComposeResult };
  /** Targets and ranks from the first gradient of a run that does not start; writes nothing. */
  labAdvise: { params: AdviseParams; event: LabProgress; result: AdviseResult };
  labAmplification: { params: AmplificationParams; event: LabProgress; result: AmplificationResult };
  /** Singular vectors of W + dW that W does not have; writes the adapter without them where a folder is named. */
  labIntruders: { params: IntrudersParams; event: LabProgress; result: IntrudersResult };
  /** Steps of a run that does not start, at rising rates; and short runs at a few rates. Both keep nothing. */
  labRate: { params: RateParams; event: RateProgress; result: RateCurve };
  labRateGrid: { params: RateGridParams; event: RateProgress; result: RateGrid };
}
export type WorkerCallName = keyof WorkerCalls;

/** Calls that do not wait for those before them. */
export const ANSWERED_TOGETHER: ReadonlySet<WorkerCallName> = new Set(['answer']);

/** `hold` lets a call wait between two steps, with all that it has in memory, until `release`. */
export type ControlAction = 'pause' | 'stop' | 'hold' | 'release';

/** Main -> worker. `control` acts on a call that is under way. */
export type ToWorker =
  | { [K in WorkerCallName]: { kind: 'call'; id: number; name: K; params: WorkerCalls[K]['params'] } }[WorkerCallName]
  | { kind: 'control'; id: number; action: ControlAction };

/** Worker -> main. */
export type FromWorker =
  | { kind: 'event'; id: number; event: unknown }
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'error'; id: number; error: ErrorData };
