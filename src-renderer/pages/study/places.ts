/** Where the runs of a study are trained that are not trained here, in sentences. */
import type { AwayView } from '../../../src-shared/away.ts';
import type { StudyCell } from '../../lib/api.ts';
import { formatCount } from '../../lib/format.ts';
import { awayPlace, isAwayOver } from '../../lib/runs/awayText.ts';

export interface StudyPlace {
  target: string;
  /** `On cluster lab, Slurm job 12.` */
  place: string;
  /** How its runs stand there; undefined once all are over. */
  state: string | undefined;
  /** What the user should know, each once. */
  notes: string[];
}

type Cell = Pick<StudyCell, 'status'> & { away: AwayView };

/** One for each target, in the order of the runs. */
export function placesOf(cells: readonly Pick<StudyCell, 'status' | 'away'>[]): StudyPlace[] {
  const away = cells.flatMap(({ status, away }) => (away ? [{ status, away }] : []));
  return [...Map.groupBy(away, (cell) => cell.away.target)].map(([target, there]) => {
    const open = there.filter(({ status }) => status === 'queued' || status === 'running' || status === 'paused');
    return {
      target,
      place: placeOf(there, open),
      state: open.length > 0 ? stateOf(open) : undefined,
      notes: [...new Set(open.flatMap(({ away }) => away.note ?? []))],
    };
  });
}

/** That of all: an array of jobs has one number, runs that were sent again have others. */
function placeOf(all: readonly Cell[], open: readonly Cell[]): string {
  const { away } = (open[0] ?? all[0])!;
  const jobs = new Set((open.length > 0 ? open : all).map((cell) => cell.away.slurmJob));
  const isOver = open.length === 0;
  return awayPlace({
    ...away,
    phase: isOver ? 'completed' : isAwayOver(away) ? 'waiting' : away.phase,
    slurmJob: jobs.size === 1 ? away.slurmJob : null,
    arrayTask: null,
    host: null,
  });
}

function stateOf(open: readonly Cell[]): string {
  const counts = {
    running: open.filter(({ status }) => status === 'running').length,
    sending: open.filter(({ status, away }) => status === 'queued' && away.phase === 'sending').length,
    waiting: open.filter(({ status, away }) => status === 'queued' && away.phase !== 'sending').length,
    paused: open.filter(({ status }) => status === 'paused').length,
  };
  const texts = [
    counts.running > 0 ? `Under way: ${formatCount(counts.running)}.` : '',
    counts.waiting > 0 ? `Waiting for their turn: ${formatCount(counts.waiting)}.` : '',
    counts.sending > 0 ? `On their way there: ${formatCount(counts.sending)}.` : '',
    counts.paused > 0 ? `Paused: ${formatCount(counts.paused)}.` : '',
  ];
  return texts.filter((text) => text !== '').join(' ');
}
