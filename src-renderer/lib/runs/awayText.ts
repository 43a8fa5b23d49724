/** Where a run is trained that is not trained here, and how busy a target is, in sentences. */
import type { AwayView } from '../../../src-shared/away.ts';
import type { RemoteKind, TargetLoad } from '../../../src-shared/remoteTargets.ts';
import { formatCount, formatDate, formatTimeLeft } from '../format.ts';

/** A target is asked every few seconds. */
const JUST_NOW_MS = 10_000;
const OVER: readonly AwayView['phase'][] = ['completed', 'stopped', 'failed'];

export function isAwayOver({ phase }: Pick<AwayView, 'phase'>): boolean {
  return OVER.includes(phase);
}

/** `On cluster lab, Slurm job 1234_5 on node n1.` */
export function awayPlace(away: AwayView): string {
  const { target, kind, host } = away;
  if (kind === 'slurm') {
    const job = slurmJobOf(away);
    if (job === null) return isAwayOver(away) ? `Trained on cluster ${target}.` : `On cluster ${target}.`;
    if (isAwayOver(away))
      return host === null
        ? `Trained on cluster ${target}, Slurm job ${job}.`
        : `Trained on cluster ${target}, Slurm job ${job} on node ${host}.`;
    return host === null
      ? `On cluster ${target}, Slurm job ${job}.`
      : `On cluster ${target}, Slurm job ${job} on node ${host}.`;
  }
  if (host === null || host === target) return isAwayOver(away) ? `Trained on ${target}.` : `On ${target}.`;
  return isAwayOver(away)
    ? `Trained on ${target}, which calls itself ${host}.`
    : `On ${target}, which calls itself ${host}.`;
}

/** What it waits for, or why it stands still; undefined where its state says all. */
export function awayState({ phase, kind, startsAt }: AwayView): string | undefined {
  if (phase === 'sending') return 'Its files have not all arrived there yet.';
  if (phase === 'interrupted') return 'It was told to end there, has kept its state, and waits to be begun again.';
  if (phase !== 'waiting') return undefined;
  if (kind === 'ssh') return 'It begins as soon as no other run of Graft is under way there.';
  return startsAt === null
    ? 'It waits there for its turn.'
    : `It waits there for its turn; Slurm expects it to begin on ${formatDate(startsAt)}.`;
}

/** The same in a word or two, for lists. */
export function awayWord({ phase, startsAt }: AwayView): string | undefined {
  // @wc-include
  const words: Partial<Record<AwayView['phase'], string>> = {
    sending: 'being sent',
    waiting: 'waits for its turn',
    interrupted: 'interrupted',
  };
  if (phase === 'waiting' && startsAt !== null) return `expected to begin ${formatDate(startsAt)}`;
  return words[phase];
}

/** `Last heard of 12 s ago.`; undefined while nothing is to be heard of: before it is there, paused, over. */
export function heardOf(away: AwayView, nowMs: number): string | undefined {
  const { phase, seenAt } = away;
  if (isAwayOver(away) || phase === 'sending' || phase === 'paused' || seenAt === null) return undefined;
  const agoMs = nowMs - Date.parse(seenAt);
  return agoMs < JUST_NOW_MS ? 'Heard of just now.' : `Last heard of ${formatTimeLeft(agoMs)} ago.`;
}

/** How busy a target is, and when a run sent now would begin. */
export function loadText({ waiting, running, startsAt }: TargetLoad, kind: RemoteKind): string[] {
  const begins =
    startsAt !== null && Date.parse(startsAt) - Date.now() > 60_000
      ? `A run sent now is expected to begin on ${formatDate(startsAt)}.`
      : startsAt === null
        ? undefined
        : 'A run sent now is expected to begin at once.';
  const jobs = kind === 'slurm' ? jobsText(waiting, running) : runsText(waiting ?? 0, running ?? 0);
  return [...jobs, ...(begins ? [begins] : [])];
}

function jobsText(waiting: number | null, running: number | null): string[] {
  if (running === null && waiting === null) return ['How busy it is, the cluster does not say.'];
  if (waiting === null) return [`Jobs under way there: ${formatCount(running ?? 0)}.`];
  if (running === null) return [`Jobs that wait there: ${formatCount(waiting)}.`];
  return [`Jobs under way there: ${formatCount(running)}; jobs that wait: ${formatCount(waiting)}.`];
}

/** Of a machine without a scheduler, where only Graft's own runs are known. */
function runsText(waiting: number, running: number): string[] {
  if (waiting === 0 && running === 0) return ['It answers, and no run of Graft is under way there.'];
  return [`Runs of Graft under way there: ${formatCount(running)}; runs that wait: ${formatCount(waiting)}.`];
}

/** As squeue writes it: `1234_5`, `1234`; null before it is submitted. */
function slurmJobOf({ slurmJob, arrayTask }: AwayView): string | null {
  return slurmJob === null || arrayTask === null ? slurmJob : `${slurmJob}_${arrayTask}`;
}
