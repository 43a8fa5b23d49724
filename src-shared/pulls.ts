/** Models and adapters fetched from Hugging Face's hub, as the pages and the command line see them. */
import type { ErrorData } from './errors.ts';

/** `gguf`: one file that the user named. */
export type PullKind = 'model' | 'adapter' | 'gguf';

interface PullFile {
  /** Path in the repository. */
  name: string;
  sizeBytes: number;
  /** It lies in the cache already, whole. */
  here: boolean;
}

/** What a pull would fetch, and where it would lie. */
export interface PullPlan {
  /** `OWNER/NAME`. */
  repository: string;
  /** Branch, tag or commit, as asked for. */
  revision: string;
  /** The commit that the revision names: 40 hex digits. */
  commit: string;
  /** Path of the one GGUF file that was asked for; null for a whole model or adapter. */
  file: string | null;
  kind: PullKind;
  /** As the repository states it, e.g. `apache-2.0`; null where it does not, or where the hub was not asked. */
  licence: string | null;
  /** Fetched only with a token whose account has accepted the licence. */
  gated: boolean;
  /** The repository's page. */
  page: string;
  files: PullFile[];
  totalBytes: number;
  /** Bytes that are not here yet, parts of files left out. */
  missingBytes: number;
  /** On the disk of the cache; null where the system does not say. */
  freeBytes: number | null;
  /** The folder of the commit in the cache, where the files will lie. */
  dir: string;
  /** Everything is here, and the hub was not asked or did not answer. */
  offline: boolean;
}

/** `interrupted`: the process that fetched it is gone; started again, it goes on where it was. */
type PullStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'interrupted';

export interface PullView {
  id: string;
  /** `OWNER/NAME`, with file and revision where they were named. */
  source: string;
  plan: PullPlan;
  status: PullStatus;
  /** Why it failed. */
  error: ErrorData | null;
  /** What came of it: the model in the catalogue. Null for an adapter, and for a file that cannot be added. */
  modelId: string | null;
  /** Why what was fetched is not in the catalogue, or what to do with it. */
  note: string | null;
  createdAt: string;
}

export interface PullProgress {
  id: string;
  /** The file that is fetched now. */
  file: string;
  doneBytes: number;
  totalBytes: number;
  /** Over the last seconds; null before anything can be said. */
  bytesPerSecond: number | null;
}

export type PullEvent = ({ type: 'progress' } & PullProgress) | { type: 'status'; pull: PullView };
