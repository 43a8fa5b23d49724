/** Where a run is trained that is not trained here, as callers see it. */
import type { JobPhase } from './jobs.ts';
import type { RemoteKind } from './remoteTargets.ts';

/**
 * - sending: its folder is on its way there;
 * - waiting: it is there, and no process has begun; the others as in the folder's state.
 */
export type AwayPhase = 'sending' | 'waiting' | JobPhase;

export interface AwayView {
  /** Name of the target. */
  target: string;
  kind: RemoteKind;
  phase: AwayPhase;
  /** As Slurm calls it; null elsewhere, or before it is submitted. */
  slurmJob: string | null;
  /** Its place in an array of jobs. */
  arrayTask: number | null;
  /** The machine that trains it, as it calls itself; null before it has begun. */
  host: string | null;
  /** What the user should know of it now; null for nothing. */
  note: string | null;
  /** The note says what keeps Graft from following it, or from sending it. */
  isCutOff: boolean;
  /** When it was last heard of (ISO 8601); null for never. */
  seenAt: string | null;
  /** When it is expected to begin (ISO 8601); null where nobody knows, and once it has begun. */
  startsAt: string | null;
}
