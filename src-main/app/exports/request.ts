/** One export as it is asked for, whoever asks. */
import type { BackendName } from '../../../src-shared/backends.ts';
import type { ExportFormat, MergeParams, Quantisation } from '../../../src-shared/exports.ts';

export interface ExportRequest {
  format: ExportFormat;
  /** Null for an adapter that is not in the catalogue. */
  adapterId: string | null;
  adapterDir: string;
  /** Several adapters, or one with a scale; see MergeParams. */
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
  /** See MergeParams. */
  allowFailedCertificate?: boolean | undefined;
}
