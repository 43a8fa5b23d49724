/** What a model card says of an export. */
import type { ExportFormat } from '../../../src-shared/exports.ts';
import type { MethodText } from '../../../src-shared/methods/method.ts';

/** What was compared, by what, and what came out. */
export interface CardProof {
  /** What was compared with what, and by which runtime; a sentence. */
  compared: string;
  figures: [name: string, value: string][];
}

interface CardAdapter {
  name: string;
  method: MethodText;
  /** Of a merge of several; 1 for one as it is. */
  scale: number;
}

export interface CardFacts {
  format: ExportFormat;
  name: string;
  /** Null for an adapter that is not in the catalogue. */
  task: string | null;
  base: {
    name: string;
    /** `owner/name` on the hub; null where that is not known. */
    repository: string | null;
    /** Of its weights. */
    hash: string;
    /** As its own card says; null: it says nothing. */
    licence: string | null;
  };
  adapters: CardAdapter[];
  /** Of a model without adapters: what it was fine-tuned with; null where that is not known, and it may be the base. */
  whole?: MethodText | null;
  /** What the run was trained on; null for an adapter without a run. Its name is null where it shall not be told. */
  data: { name: string | null; version: number | null; hash: string | null; rows: number | null } | null;
  settings: [name: string, value: string][];
  metrics: [name: string, value: string][];
  proofs: CardProof[];
  /** An adapter by itself in PEFT's format, and not in Graft's own. */
  inPeft: boolean;
  /** An adapter by itself that is a LoRA and nothing besides. */
  plainLora: boolean;
  /** Of the export, relative to its folder. */
  files: string[];
  /** The user's own words about the adapter. */
  notes: string;
  /** `owner/name` that it is sent to; absent: it lies in a folder. */
  repository?: string;
}
