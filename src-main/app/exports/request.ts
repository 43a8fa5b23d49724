/** One export as it is asked for, whoever asks, and what its plan says. */
import type { BackendName } from '../../../src-shared/backends.ts';
import type { DatasetKind } from '../../../src-shared/datasets.ts';
import type { ExportFormat, MergeParams, Quantisation } from '../../../src-shared/exports.ts';
import type { PlannedFile } from './mergedFiles.ts';

export interface ExportRequest {
  format: ExportFormat;
  /** Null for an adapter that is not in the catalogue, and where there is none. */
  adapterId: string | null;
  /** Empty where there is none. */
  adapterDir: string;
  /** Several adapters, or one with a scale, or none (isAsItIs); see MergeParams. */
  tasks?: MergeParams['tasks'] | undefined;
  modelDir: string;
  /** The new folder, or file (see isOneFile). */
  outDir: string;
  /** Of a Hugging Face folder; undefined: as the base. */
  dtype?: MergeParams['dtype'] | undefined;
  /** Of GGUF files, one file each. */
  quantise?: Quantisation[] | undefined;
  /** Largest size of a weights file of a Hugging Face folder. */
  maxShardBytes?: number | undefined;
  engine?: 'auto' | BackendName | undefined;
  /** See GgufExportParams; the service looks it up. */
  rows?: DatasetKind | undefined;
  /** See MergeParams. */
  allowFailedCertificate?: boolean | undefined;
}

export interface PlannedExport {
  files: PlannedFile[];
  /** What else the export does or leaves out, in sentences. */
  notes: string[];
  /** Of formats that are quantised: the file in each type, whether or not it is asked for. */
  choices?: { quantise: Quantisation; sizeBytes: number }[];
}

/** What of a request the plan depends on. */
export type PlanRequest = Pick<
  ExportRequest,
  'format' | 'adapterDir' | 'tasks' | 'modelDir' | 'outDir' | 'dtype' | 'quantise' | 'maxShardBytes' | 'rows'
>;

/** The request for a model as it is, whose adapters are none. */
export const NO_ADAPTERS = { adapterId: null, adapterDir: '', tasks: [] };
