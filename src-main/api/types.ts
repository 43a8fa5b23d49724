/** Types of what the router returns, for the renderer to import as types only. */
export type { Adapter } from '../catalog/adapters.ts';
export type { Dataset } from '../catalog/datasets.ts';
export type { LengthCounts } from '../datasets/lengths.ts';
export type { SurveyedBadRow } from '../datasets/survey.ts';
export type { PreviewedRow, PreviewToken } from '../datasets/tokenPreview.ts';
export type { ExportRecord } from '../catalog/exports.ts';
export type { Evaluation, Series } from '../catalog/metrics.ts';
export type { BaseModel, ModelDetails } from '../catalog/models.ts';
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
export type { ErrorData } from '../errors.ts';
export type { AppSettings } from '../jobs/appSettings.ts';
export type { ExportPlan, PlannedFile } from '../jobs/exportPlan.ts';
export type { ExportEvent } from '../jobs/exportService.ts';
export type { FoundModel } from '../jobs/findModels.ts';
export type { ModelState, ModelView } from '../jobs/modelState.ts';
export type { PlanView } from '../jobs/planService.ts';
export type { Notice } from '../jobs/notices.ts';
export type { CleanUp, CleanUpKind, StorageKind, StorageReport, StorageUse } from '../jobs/storage.ts';
export type { PlaygroundState } from '../jobs/playgroundService.ts';
export type { StartRun } from '../jobs/runInput.ts';
export type { TrainableView } from '../jobs/trainable.ts';
export type { RunProgress } from '../jobs/progressMeter.ts';
export type { WatchEvent } from './gatherSteps.ts';
export type { WatchAllEvent } from './runs.ts';
export type { RunView } from '../jobs/runView.ts';
export type { CheckpointInfo } from '../trainer/checkpointHistory.ts';
export type { TokenizerCheck } from '../trainer/checkTokenizer.ts';
export type { ModelNeeds } from '../trainer/modelNeeds.ts';
export type { MethodText } from '../trainer/describeMethod.ts';
export type {
  AnswerPiece,
  EngineName,
  EngineReport,
  EvaluateResult,
  GenerateResult,
  LoadResult,
  MergeResult,
  ParityCertificate,
  PreflightResult,
  RunSpec,
  SelfTestResult,
  StepMetrics,
  TokenProbability,
  TrainEvent,
  TrainResult,
  TrainSettings,
} from '../trainer/protocol.ts';

export type { InspectedRow, InspectedStep } from '../trainer/inspectStep.ts';
export type { TrashedAdapter } from '../catalog/adapters.ts';
export type { LossSample } from '../catalog/lossSamples.ts';
export type { AdapterLineage, Setting } from '../jobs/adapterLineage.ts';
export type { AdapterInspection } from '../jobs/importAdapter.ts';
export type { AdapterComparison, AdapterDetails } from './adapters.ts';
export type { AdapterView } from './adapterView.ts';
export type { Board, BoardAdapter, BoardRun, BoardTask } from './home.ts';
export type { DatasetLengths, DatasetReport } from './checkDataset.ts';
export type { CompareEvent, GenerateEvent } from './playground.ts';
export type { MappedRows } from './datasetColumns.ts';
export type { DatasetLook } from './datasetLook.ts';
export type { TokenPreview } from './datasetPreview.ts';
export type { DuplicateGroup, TableRow } from './datasetRows.ts';
export type { VersionView } from './datasetVersions.ts';
export type { ScheduleCurve } from './plan.ts';
export type { ActivityEvent, BrowseEntry, BrowseResult, Starter, SystemInfo } from './system.ts';
export type { TaskView } from './tasks.ts';
