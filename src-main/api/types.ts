/** Types of what the router returns, for the renderer to import as types only. */
export type { Adapter } from '../catalog/adapters.ts';
export type { Dataset } from '../catalog/datasets.ts';
export type { LengthCounts, PreviewedRow, PreviewToken, TokenizerCheck } from '../../src-shared/tokens.ts';
export type { SurveyedBadRow } from '../datasets/survey.ts';
export type { ExportRecord } from '../catalog/exports.ts';
export type { Evaluation, Series } from '../catalog/metrics.ts';
export type { RegisteredModel, ModelDetails } from '../catalog/models.ts';
export type { LogLine, Sample } from '../catalog/runHistory.ts';
export type { RunStarted, RunStatus } from '../catalog/runs.ts';
export type {
  HistoryAnswer,
  HistoryEntry,
  HistoryHead,
  HistoryRequest,
  HistorySampling,
  Score,
} from '../catalog/playground.ts';
export type { Task } from '../catalog/tasks.ts';
export type { ErrorData } from '../../src-shared/errors.ts';
export type { AppSettings } from '../app/settings/service.ts';
export type { ExportPlan, PlannedFile } from '../app/exports/plan.ts';
export type { ExportEvent } from '../app/exports/service.ts';
export type { FoundModel } from '../app/models/find.ts';
export type { ModelState, ModelView } from '../app/models/state.ts';
export type { PlanView } from '../app/runs/planService.ts';
export type { Notice } from '../app/system/notices.ts';
export type { CleanUp, CleanUpKind, StorageKind, StorageReport, StorageUse } from '../app/storage/storage.ts';
export type { PlaygroundState } from '../app/playground/state.ts';
export type { StartRun } from '../app/runs/input.ts';
export type { TrainableView } from '../app/runs/trainable.ts';
export type { RunProgress } from '../app/runs/progressMeter.ts';
export type { WatchEvent } from '../app/runs/gatherSteps.ts';
export type { WatchAllEvent } from '../app/runs/watch.ts';
export type { RunView } from '../app/runs/view.ts';
export type { KeptState } from '../runfolder/keptStates.ts';
export type { ModelNeeds, PreflightResult } from '../../src-shared/plan.ts';
export type { AnswerPiece, GenerateResult, LoadResult, TokenProbability } from '../../src-shared/generation.ts';
export type { EngineName, EngineReport, SelfTestResult } from '../../src-shared/backends.ts';
export type { MethodText } from '../../src-shared/methods/method.ts';
export type {
  EvaluateResult,
  InspectedRow,
  InspectedStep,
  StepMetrics,
  TrainEvent,
  TrainResult,
} from '../../src-shared/training.ts';
export type { MergeResult, ParityCertificate } from '../../src-shared/exports.ts';
export type { RunSpec } from '../../src-shared/runSpec.ts';
export type { TrainSettings } from '../../src-shared/settings/training.ts';

export type { TrashedAdapter } from '../catalog/adapters.ts';
export type { LossSample } from '../catalog/lossSamples.ts';
export type { AdapterLineage, Setting } from '../app/adapters/lineage.ts';
export type { AdapterInspection } from '../app/adapters/import.ts';
export type { AdapterComparison, AdapterDetails } from '../app/adapters/service.ts';
export type { AdapterView } from '../app/adapters/view.ts';
export type { Board, BoardAdapter, BoardRun, BoardTask } from '../app/home/board.ts';
export type { DatasetLengths, DatasetReport } from '../app/datasets/check.ts';
export type { CompareEvent, GenerateEvent } from '../app/playground/streams.ts';
export type { MappedRows } from '../app/datasets/mappedRows.ts';
export type { DatasetLook } from '../app/datasets/look.ts';
export type { TokenPreview } from '../app/datasets/preview.ts';
export type { DuplicateGroup, TableRow } from '../app/datasets/rows.ts';
export type { VersionView } from '../app/datasets/versions.ts';
export type { ScheduleCurve } from '../app/runs/scheduleCurve.ts';
export type { ActivityEvent } from '../app/system/activity.ts';
export type { BrowseEntry, BrowseResult } from '../app/system/browse.ts';
export type { SystemInfo } from '../app/system/service.ts';
export type { Starter } from '../app/models/starter.ts';
export type { TaskView } from '../app/tasks/service.ts';
