/** The run that the desktop shows outside the window: the one under way, else one that is paused. */
import type { RunService } from '../../app/runs/service.ts';
import type { RunView } from '../../app/runs/view.ts';

export interface RunNow {
  id: string;
  name: string;
  status: 'running' | 'paused';
  /** Whole percent of its steps; null until training has begun. */
  percent: number | null;
  msLeft: number | null;
  loss: number | null;
}

type Progress = Pick<RunNow, 'percent' | 'msLeft' | 'loss'>;

/** Calls `show` with every change, at most twice a second; the returned function ends that. */
export function followRuns(
  runs: Pick<RunService, 'list' | 'subscribeAll'>,
  show: (now: RunNow | null) => void,
): () => void {
  const open = new Map<string, RunView>();
  const progress = new Map<string, Progress>();
  const put = (run: RunView): void => {
    if (run.status === 'running' || run.status === 'paused') open.set(run.id, run);
    else open.delete(run.id);
  };
  const tell = (): void => {
    const all = [...open.values()];
    const run = all.find(({ status }) => status === 'running') ?? all.at(-1);
    if (!run) return show(null);
    const { id, name, status } = run;
    const { percent, msLeft, loss } = progress.get(id) ?? { percent: null, msLeft: null, loss: null };
    show({ id, name, status: status === 'running' ? 'running' : 'paused', percent, msLeft, loss });
  };
  runs.list().forEach(put);
  tell();
  return runs.subscribeAll((event) => {
    if (event.type === 'run') put(event.run);
    else if (event.type === 'removed') open.delete(event.id);
    else {
      const percent = Math.floor((100 * event.step) / Math.max(1, event.totalSteps));
      progress.set(event.id, { percent, msLeft: event.msLeft, loss: event.loss });
    }
    tell();
  });
}
