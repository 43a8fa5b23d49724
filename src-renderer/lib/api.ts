/**
 * The typed client of the router, the same on both hosts: Electron's bridge, or HTTP with
 * server-sent events on the web host.
 */
import { createTRPCClient, httpBatchLink, httpLink, httpSubscriptionLink, splitLink } from '@trpc/client';
import type { AppRouter } from '../../src-main/api/router.ts';
import { bridgeLink } from './host/bridgeLink.ts';
import { bridge } from './host/bridge.ts';
import { fetchInSession, sessionHeaders, sessionKey } from './host/session.ts';
import { SESSION_NAME } from '../../src-shared/session.ts';

export type {
  ActivityEvent,
  AddSuite,
  AdapterComparison,
  AdapterDetails,
  AdapterInspection,
  AdapterView,
  AnswerPiece,
  AppSettings,
  Backup,
  RegisteredModel,
  Board,
  BoardRun,
  BoardTask,
  CleanUp,
  CleanUpKind,
  CompareEvent,
  ComparedSubject,
  Dataset,
  DatasetLook,
  DistinctValues,
  DuplicateGroup,
  BackendName,
  EngineReport,
  ExportedLogs,
  ExportEvent,
  ExportPlan,
  ExportRecord,
  GenerateEvent,
  GenerateResult,
  HistoryAnswer,
  HistoryEntry,
  HistoryRequest,
  HistorySampling,
  InspectedRow,
  InspectedStep,
  LabAnswers,
  LabEvent,
  LabLook,
  LabMade,
  LabPlace,
  LogLine,
  LossEvent,
  LossSample,
  ModelView,
  ParityCertificate,
  PlanView,
  PreflightResult,
  LengthCounts,
  MappedRows,
  PlaygroundState,
  PreviewedTokens,
  PreviewToken,
  RateCurve,
  ReportFile,
  RateEvent,
  RateGrid,
  RecipePreview,
  RunProgress,
  RunStatus,
  RunView,
  ExportedJob,
  ScriptKind,
  Sample,
  Score,
  SelfTestResult,
  Setting,
  SimilarityOverview,
  StartRun,
  StartStudy,
  StepMetrics,
  StorageKind,
  StudyCell,
  StudyPreview,
  StudyView,
  SuiteComparison,
  SuiteRunEvent,
  SuiteView,
  SurveyedBadRow,
  SystemInfo,
  TableRow,
  TaskView,
  TokenPreview,
  VersionView,
  TokenProbability,
  TrashedAdapter,
  WatchAllEvent,
  WatchEvent,
} from '../../src-main/api/types.ts';

const URL = '/api/trpc';

/** For slow queries: calls of one moment share a request, and all of them would wait for the slowest. */
export const ALONE = { context: { alone: true } };

const webLink = () => {
  const options = { url: URL, headers: sessionHeaders, fetch: fetchInSession };
  return splitLink<AppRouter>({
    condition: (op) => op.type === 'subscription',
    true: httpSubscriptionLink({ url: URL, connectionParams: () => ({ [SESSION_NAME]: sessionKey() }) }),
    false: splitLink<AppRouter>({
      condition: (op) => op.context['alone'] === true,
      true: httpLink(options),
      false: httpBatchLink(options),
    }),
  });
};

export const api = createTRPCClient<AppRouter>({ links: [bridge ? bridgeLink(bridge) : webLink()] });
