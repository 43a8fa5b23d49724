/** Types of what the router returns, for the renderer to import as types only. */
;
export type { Dataset } from '../catalog/datasets.ts';
export type { LengthCounts, PreviewedRow, PreviewToken,  } from '../../src-shared/tokens.ts';
export type { SurveyedBadRow } from '../datasets/survey.ts';
export type { ExportRecord } from '../catalog/exports.ts';
;
export type { RegisteredModel,  } from '../catalog/models.ts';
export type { LogLine, Sample } from '../catalog/runHistory.ts';
export type {  RunStatus } from '../catalog/runs.ts';
export type {
  HistoryAnswer,
  HistoryEntry,
  
  HistoryRequest,
  HistorySampling,
  Score,
} from '../catalog/playground.ts';
;
;
export type { AppSettings } from '../app/settings/service.ts';
export type { ExportPlan,  } from '../app/exports/plan.ts';
export type { ExportEvent } from '../app/exports/service.ts';
;
export type {  ModelView } from '../app/models/state.ts';
export type { PlanView } from '../app/runs/planService.ts';
;
export type { CleanUp, CleanUpKind, StorageKind,   } from '../app/storage/storage.ts';
export type { PlaygroundState } from '../app/playground/state.ts';
export type { StartRun } from '../app/runs/input.ts';
;
export type { RunProgress } from '../app/runs/progressMeter.ts';
export type { WatchEvent } from '../app/runs/gatherSteps.ts';
export type { WatchAllEvent } from '../app/runs/watch.ts';
export type { RunView } from '../app/runs/view.ts';
;
export type {  PreflightResult } from '../../src-shared/plan.ts';
export type { AnswerPiece, GenerateResult,  TokenProbability } from '../../src-shared/generation.ts';
export type { EngineName, EngineReport, SelfTestResult } from '../../src-shared/backends.ts';
;
export type {
  
  InspectedRow,
  InspectedStep,
  StepMetrics,
  
  
} from '../../src-shared/training.ts';
export type {  ParityCertificate } from '../../src-shared/exports.ts';
;
;

export type { TrashedAdapter } from '../catalog/adapters.ts';
export type { LossSample } from '../catalog/lossSamples.ts';
export type {  Setting } from '../app/adapters/lineage.ts';
export type { AdapterInspection } from '../app/adapters/import.ts';
export type { AdapterComparison, AdapterDetails } from '../app/adapters/service.ts';
export type { AdapterView } from '../app/adapters/view.ts';
export type { Board,  BoardRun, BoardTask } from '../app/home/board.ts';
;
export type { CompareEvent, GenerateEvent } from '../app/playground/streams.ts';
export type { MappedRows } from '../app/datasets/mappedRows.ts';
export type { DatasetLook } from '../app/datasets/look.ts';
export type { TokenPreview } from '../app/datasets/preview.ts';
export type { DuplicateGroup, TableRow } from '../app/datasets/rows.ts';
export type { VersionView } from '../app/datasets/versions.ts';
;
export type { ActivityEvent } from '../app/system/activity.ts';
;
export type { SystemInfo } from '../app/system/service.ts';
;
export type { TaskView } from '../app/tasks/service.ts';
