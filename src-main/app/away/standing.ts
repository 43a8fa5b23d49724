/** How a job stands, by what its folder says and by whether anything still runs it. */
import type { AwayRun } from '../../catalog/away.ts';
import type { JobState } from '../../../src-shared/jobs.ts';

/** What a scheduler, or the machine itself, knows of a job. */
export type Life = 'waits' | 'runs' | 'gone';

/**
 * - waiting: nobody is at it yet, or nobody any more but it will be begun again;
 * - over: its folder says how it ended;
 * - cut: it was told to end, has kept its state, and nobody begins it again;
 * - lost: it is gone without a word.
 */
export type Standing =
  | { kind: 'waiting'; state: JobState | null }
  | { kind: 'running'; state: JobState }
  | { kind: 'over'; state: JobState }
  | { kind: 'cut'; state: JobState }
  | { kind: 'lost'; state: JobState | null };

/** `state` counts only where it is of an attempt after that of `away`, which was over when the job was sent again. */
export function standingOf({ attempt }: Pick<AwayRun, 'attempt'>, told: JobState | null, life: Life): Standing {
  const state = told && told.attempt > attempt ? told : null;
  if (!state) return life === 'gone' ? { kind: 'lost', state } : { kind: 'waiting', state };
  if (state.phase === 'interrupted') return life === 'gone' ? { kind: 'cut', state } : { kind: 'waiting', state };
  if (state.phase !== 'running') return { kind: 'over', state };
  if (life === 'runs') return { kind: 'running', state };
  // A scheduler begins it again where its node has failed.
  return life === 'waits' ? { kind: 'waiting', state } : { kind: 'lost', state };
}
