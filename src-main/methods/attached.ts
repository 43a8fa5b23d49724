/** What every fine-tuning method is to its users: trained parameters that take part in the forward pass. */
import type { Attachment } from '../engine/model/attachment.ts';
import type { Parameter } from '../engine/model/parameters.ts';

export interface Adapter extends Attachment {
  /** Everything that is trained, always in the same order. */
  parameters(): Parameter[];
  /** Frees what the adapter owns; what it shares with the base stays. */
  dispose(): void;
}
