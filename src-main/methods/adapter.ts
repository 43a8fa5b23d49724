/** What every fine-tuning method is to its users: trained parameters that take part in the forward pass. */
import type * as tf from '@tensorflow/tfjs-core';
import type { LinearModule } from '../engine/model/architecture.ts';
import type { Attachment } from '../engine/model/attachment.ts';
import type { Parameter } from '../engine/model/parameters.ts';

export interface Adapter extends Attachment {
  /** Everything that is trained, always in the same order. */
  parameters(): Parameter[];
  /** What it adds to the weights; null where it does more than add. Absent: it is none that adds. */
  updates?(): ModuleUpdate[] | null;
  /** Frees what the adapter owns; what it shares with the base stays. */
  dispose(): void;
}

export interface ModuleUpdate {
  module: LinearModule;
  /** s·BA or what the method has in its place, (out, in). Call it under tidy. */
  matrix(): tf.Tensor2D;
}
