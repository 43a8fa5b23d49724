/** What reading a GGUF file's tokenizer passes around. */
import type { GraftError } from '../../../src-shared/errors.ts';
import type { JsonObject } from '../../datasets/tokenizerFiles.ts';

/** A token of the file. */
export interface Token {
  id: number;
  text: string;
  /** One of TOKEN_TYPES. */
  type: number;
  score: number;
}

/** What differs between the kinds of tokenizers. */
export interface TokenizerParts {
  model: JsonObject;
  normalizer: JsonObject | null;
  preTokenizer: JsonObject | null;
  decoder: JsonObject;
  notes: string[];
}

export type RefuseTokenizer = (problem: string) => GraftError;
