/** What a method may read before its first step, where its start depends on the data (EVA, LoRA-GA). */
import type { NamedTensor } from '../adapters/files.ts';
import type { Batch } from '../engine/train/batchLoss.ts';

export interface Probe {
  /** The micro-batches of the run in their order, from 0; after its rows have all been seen they come again. */
  batch(index: number): Batch;
  /** Told after each pass over a batch; lets messages in between. */
  onBatch?(done: number): Promise<void>;
  /** A sentence for the log. */
  say?(message: string): void;
}

/** The values that training starts from, by name. */
export type StartValues = ReadonlyMap<string, NamedTensor>;

/**
 * Where such a start is kept: a run that goes on takes it from there. Its values have moved on by then, and of LoRA-GA
 * the start is part of the result.
 */
export interface KeptStart {
  read(): StartValues | null;
  write(values: StartValues): Promise<void>;
}
