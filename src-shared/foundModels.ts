/** Models of other programs on this machine, and what Graft can do with each. */

export type PlaceName = 'Hugging Face' | 'LM Studio' | 'Ollama' | 'llama.cpp' | 'Folder';

/** Where models may lie. */
export interface ModelPlace {
  /** Whose folder it is; `Folder`: one that the user has named. */
  name: PlaceName;
  /** Absolute path. */
  dir: string;
}

export interface FoundModel {
  /** `Qwen/Qwen2.5-0.5B`, `llama3.2:1b`. */
  name: string;
  /** Its folder, or its GGUF file: what is added to the catalogue, in place. */
  path: string;
  place: PlaceName;
  /** `safetensors, BF16`, `GGUF, Q4_K_M`; of what cannot be read only the kind of file. */
  form: string;
  /** Of the weights. */
  sizeBytes: number;
  /** `llama`; null where it cannot be read. */
  family: string | null;
  /** Why Graft cannot use it, one sentence; null: it can be trained and asked. */
  problem: string | null;
  /** The repository with the original weights on Hugging Face, where the files name it. */
  repository: string | null;
}

/** What one place holds. */
export interface FoundInPlace extends ModelPlace {
  models: FoundModel[];
  /** Why the place could not be looked through, or not all of it, one sentence; else null. */
  problem: string | null;
}
