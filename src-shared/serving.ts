/** A service of answers over HTTP, as OpenAI's API has it: what it is started with, and what it says of itself. */
import type { KeptTemplate } from './promptTemplates.ts';
import type { BackendName } from './backends.ts';
import type { ErrorData } from './errors.ts';
import type { LoadResult } from './generation.ts';

export const DEFAULT_SERVING_PORT = 11_535;
export const DEFAULT_SERVING_HOST = '127.0.0.1';

/** The name under which the plain base answers. */
export const BASE_NAME = 'base';

/** A base on one of Graft's engines, or a GGUF file in llama.cpp. */
export type ServedLoad = Omit<LoadResult, 'engine' | 'totalParameters'> & {
  engine: BackendName | 'llama.cpp';
};

/** Requests by name: a task, answered by its active adapter, or the base. */
export interface ServedTask {
  /** `model` of a request. */
  name: string;
  /** Null: the base. */
  taskId: string | null;
  /** Null: the plain base, whatever its task. */
  adapter: { id: string; name: string; promptTemplate: KeptTemplate['name'] | null } | null;
  /** Why requests for it are refused; null: they are answered. */
  refused: string | null;
}

export interface ServedRequest {
  id: number;
  /** Name of the task, or of the base. */
  model: string;
  adapter: string | null;
  status: 'waiting' | 'answering';
  startedAt: string;
  /** Of the answer so far; 0 while it waits. */
  tokensPerSecond: number;
}

export interface ServingFailure {
  at: string;
  /** Null: the request named none. */
  model: string | null;
  message: string;
}

export interface ServingState {
  status: 'off' | 'starting' | 'on';
  /** Base of all addresses, `http://127.0.0.1:11535/v1`; null unless the service is on. */
  address: string | null;
  /** Null: nobody is asked for one. */
  apiKey: string | null;
  model: { id: string | null; name: string; dir: string } | null;
  load: ServedLoad | null;
  /** Tokens per second of one answer alone, measured after the start. */
  aloneTokensPerSecond: number | null;
  /** How much of the base has been read, while it is read. */
  loading: { done: number; total: number } | null;
  tasks: ServedTask[];
  /** The first of those under way, and how many there are of each kind. */
  requests: ServedRequest[];
  answering: number;
  waiting: number;
  /** Of all answers under way together. */
  tokensPerSecond: number;
  /** Since the start. */
  answered: number;
  tokens: number;
  /** The last failures, the newest first. */
  failures: ServingFailure[];
  /** Of the process that holds the model. */
  pid: number | null;
  /** Why the process that holds the model is gone; the next request starts another. */
  crashed: ErrorData | null;
}

export const SERVING_OFF: ServingState = {
  status: 'off',
  address: null,
  apiKey: null,
  model: null,
  load: null,
  aloneTokensPerSecond: null,
  loading: null,
  tasks: [],
  requests: [],
  answering: 0,
  waiting: 0,
  tokensPerSecond: 0,
  answered: 0,
  tokens: 0,
  failures: [],
  pid: null,
  crashed: null,
};
