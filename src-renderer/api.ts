/**
 * The typed client of the router, the same on both hosts: Electron's bridge, or HTTP with
 * server-sent events on the web host.
 */
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from '@trpc/client';
import type { AppRouter } from '../src-main/api/router.ts';
import { bridgeLink } from './bridgeLink.ts';
import { bridge } from './host.ts';

export type {
  AdapterComparison,
  AdapterDetails,
  AdapterInspection,
  AdapterView,
  AnswerPiece,
  BaseModel,
  Board,
  BoardAdapter,
  BoardRun,
  BoardTask,
  BrowseResult,
  CompareEvent,
  Dataset,
  DatasetReport,
  EngineName,
  EngineReport,
  ExportEvent,
  ExportRecord,
  GenerateEvent,
  GenerateResult,
  HistoryAnswer,
  HistoryEntry,
  HistoryHead,
  HistoryRequest,
  HistorySampling,
  InspectedRow,
  InspectedStep,
  LogEntry,
  LossSample,
  FoundModel,
  ModelNeeds,
  ModelView,
  ParityCertificate,
  PlanView,
  PreflightResult,
  PlaygroundState,
  RunEvent,
  RunProgress,
  RunStatus,
  RunsEvent,
  RunView,
  Sample,
  Score,
  Setting,
  StartRun,
  StepMetrics,
  SystemInfo,
  TaskView,
  TokenProbability,
  TrashedAdapter,
  ScheduleCurve,
  TokenizerCheck,
} from '../src-main/api/types.ts';

const URL = '/api/trpc';

const webLink = () =>
  splitLink<AppRouter>({
    condition: (op) => op.type === 'subscription',
    true: httpSubscriptionLink({ url: URL }),
    false: httpBatchLink({ url: URL }),
  });

export const api = createTRPCClient<AppRouter>({ links: [bridge ? bridgeLink(bridge) : webLink()] });
