/** What the playground holds and does, as pages see it. */
import type { ErrorData } from '../../../src-shared/errors.ts';
import type { LoadResult } from '../../../src-shared/generation.ts';
import type { LoadProgress } from '../../../src-shared/loadProgress.ts';

export interface PlaygroundState {
  /** Null: nothing is loaded. */
  modelDir: string | null;
  /** Null when the model is not in the catalogue. */
  modelId: string | null;
  /** Null: the plain base. */
  adapterDir: string | null;
  adapterId: string | null;
  /** Two adapters that answer as one, `share` of the second; `adapterId` is null then. */
  mix: { adapterIds: [string, string]; share: number } | null;
  /** Engine, device and time of the load. */
  load: LoadResult | null;
  generating: boolean;
  /** Of the worker process that holds the model. */
  pid: number | null;
  /** The base that is being read, and how much of its weights is there. */
  loading: ({ modelId: string | null } & LoadProgress) | null;
  /** Why the worker process is gone though nobody asked for it, and the base it held. */
  crashed: { modelId: string | null; error: ErrorData } | null;
}

export const NOTHING_LOADED: PlaygroundState = {
  modelDir: null,
  modelId: null,
  adapterDir: null,
  adapterId: null,
  mix: null,
  load: null,
  generating: false,
  pid: null,
  loading: null,
  crashed: null,
};
