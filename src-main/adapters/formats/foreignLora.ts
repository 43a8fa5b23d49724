/** What every reader of another runtime's adapters gives. */
import type { PeftModules } from '../../methods/lora/peftLayout.ts';
import type { Base } from '../content.ts';

/** An adapter of another runtime, read and checked as far as it can be without its base. */
export interface ForeignLora {
  /** Absolute path of the folder or file. */
  path: string;
  /** Its format, for provenance: `mlx-lm`. */
  format: string;
  /** How it calls its base; null where it does not. */
  baseName: string | null;
  dropout: number;
  dora: boolean;
  /** Of the file of weights. */
  sha256: string;
  sizeBytes: number;
  /** Its matrices as PEFT's. Throws ADAPTER_NO_MODULE and what the format's own checks throw. */
  modulesOn(base: Base): PeftModules;
}
