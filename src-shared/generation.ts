/** Answers of the resident base model: what is asked, and what comes back piece by piece. */
import type { BackendName } from './backends.ts';
import type { Message } from './datasets.ts';

export interface LoadResult {
  engine: BackendName;
  device: string;
  loadMs: number;
  totalParameters: number;
  /** The model has a template for conversations. */
  chatTemplate: boolean;
  /** What the loaded model takes: the tensors on the card on webgpu, else all of the worker process. */
  memoryBytes: number;
}

/** Two adapters that answer as one: W + (1 - share)·dW1 + share·dW2. */
export interface MixParams {
  adapterDirs: [string, string];
  /** 0 to 1; the ends are the adapters themselves. */
  share: number;
}

/** JSON, or JSON of this schema. */
export type AnswerGrammar = { type: 'json' } | { type: 'schema'; schema: unknown };

export interface GenerateParams {
  /** Text to continue; the user's turn where `chat` is set. */
  prompt: string;
  /** True: put the prompt through the chat template, the adapter's or the model's, as one user turn. */
  chat?: boolean;
  /** Put the prompt as the answering adapter's training put its questions; where that is not known, as `chat` says. */
  asTrained?: boolean;
  /** A whole conversation, which the assistant shall answer through the chat template; stands in for `prompt`. */
  messages?: Message[];
  /** The prompt as token ids; stands in for `prompt`, without a BOS of its own. */
  ids?: number[];
  /** Control tokens that the words of a conversation spell out are tokens, not text. */
  controlTokens?: boolean | undefined;
  maxNew: number;
  temperature: number;
  topK?: number;
  topP?: number;
  /** 1 or absent: none. */
  repetitionPenalty?: number;
  seed?: number;
  stop?: string[];
  /** Go on to `maxNew` past every token that would end the answer, as measurements do. */
  ignoreEnds?: boolean;
  /** Tell how likely each new token was, and what else was likely. */
  probabilities?: boolean;
  /** What the answer has to be, by a grammar; only llama.cpp has them. */
  grammar?: AnswerGrammar;
  /** With `probabilities`: how many of the likeliest tokens are named; absent: five. */
  named?: number;
}

/** A new token and how likely the model held it: its own softmax, before temperature, penalty and cuts. */
export interface TokenProbability {
  /** The part of the answer that it completes; empty while a character is unfinished. */
  text: string;
  id: number;
  p: number;
  /** The likeliest tokens, likeliest first. */
  top: { text: string; p: number }[];
}

export interface GenerateResult {
  text: string;
  tokens: number;
  promptTokens: number;
  stopReason: 'length' | 'eos' | 'stop' | 'cancelled';
  /** Until this answer ended, whatever became of the others of its batch. */
  tokensPerSecond: number;
  /** Where asked for; their texts together are `text`. */
  probabilities?: TokenProbability[];
}

/** What an answer has grown by. The texts of the tokens may lag behind `text`, never run ahead. */
export interface AnswerPiece {
  text: string;
  /** Of the answer so far. */
  tokensPerSecond: number;
  probabilities?: TokenProbability[];
}

/** Of several answers, by their place in the request: a piece, or the end. */
export type CompareEvent =
  ({ type: 'text'; row: number } & AnswerPiece) | { type: 'done'; row: number; result: GenerateResult };
