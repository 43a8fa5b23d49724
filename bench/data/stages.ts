/** The stages of the bench `data`, in their order, and what is measured of each. */
export const STAGES = ['nothing', 'add', 'plan', 'early', 'tokenise', 'again', 'step'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageResult {
  ms: number;
  /** Of the process, all threads. */
  cpuMs: number;
  peakBytes: number;
  /** Longest time in which the process answered nobody, although it had a processor. */
  blockedMs: number;
  rows: number;
  tokens: number | null;
}
