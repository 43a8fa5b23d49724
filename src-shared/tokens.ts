/** Rows as tokens, as they cross processes: lengths, a row token by token, and what a tokenizer can do. */
export interface LengthStats {
  rows: number;
  /** Tokens and labelled tokens that training sees, after truncation. */
  tokens: number;
  labelledTokens: number;
  /** Tokens per row before truncation. */
  min: number;
  median: number;
  mean: number;
  p90: number;
  p95: number;
  max: number;
  /** Rows that were cut. */
  truncated: number;
  /** Rows of `from` to `to` tokens (both inclusive), before truncation; about 20 buckets of equal width. */
  histogram: { from: number; to: number; rows: number }[];
}

/** How many rows have which length; enough to know for any maximum length what it cuts. */
export interface LengthCounts {
  unit: 'tokens' | 'characters';
  /** Rows counted so far, and rows there are. */
  done: number;
  total: number;
  /** Length and number of rows, by length. */
  lengths: [length: number, rows: number][];
  /** Tokens before the first token with loss, and number of rows; for characters none. */
  prompts: [length: number, rows: number][];
}

export interface PreviewToken {
  id: number;
  /** Empty where the token is only a part of a character. */
  text: string;
  kind: 'prompt' | 'completion' | 'special';
  /** Whether the model learns to write it. */
  loss: boolean;
  /** Beyond the maximum length: the run never sees it. */
  truncated: boolean;
}

export interface PreviewedTokens {
  tokens: PreviewToken[];
  /** Tokens before truncation; `tokens` may show fewer. */
  length: number;
  /** Tokens with loss after truncation. */
  labelled: number;
}

export interface PreviewedRow extends PreviewedTokens {
  line: number;
  /** Of a pair the same with the rejected answer; the row itself has the chosen one. */
  rejected?: PreviewedTokens;
}

export type TokenizerCheck =
  | { loads: false; reason: string }
  | {
      loads: true;
      sentence: string;
      tokens: number;
      /** Whether the tokens of the sentence give the sentence again. */
      roundTrip: boolean;
      /** What they gave instead; null where it is the same. */
      decoded: string | null;
      chatTemplate: boolean;
      /** The roles that have a token, e.g. `bos: <s>`. */
      special: Record<string, string>;
      vocabSize: number;
    };

/** A token that training taught as the end of an answer, or that a chat template ends one with. */
export interface EndToken {
  id: number;
  text: string;
}
