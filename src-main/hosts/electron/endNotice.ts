/** Tells the end of a run while no window is open; with one, its page does. */
import type { RunService } from '../../app/runs/service.ts';
import { runAnnouncement, type Announcement } from '../../../src-shared/runAnnouncement.ts';
import type { RunVerdict } from '../../../src-shared/verdict.ts';

interface Parts {
  runs: Pick<RunService, 'subscribeAll'>;
  verdictOf: (id: string) => RunVerdict | null;
  isWanted: () => boolean;
  notify: (announcement: Announcement) => void;
}

/** The returned function ends it. */
export function tellEnds({ runs, verdictOf, isWanted, notify }: Parts): () => void {
  const running = new Set<string>();
  return runs.subscribeAll((event) => {
    if (event.type !== 'run') return;
    const { run } = event;
    if (run.status === 'running') running.add(run.id);
    // A run that ended long ago is told again when it is renamed.
    else if (running.delete(run.id) && isWanted()) {
      const said = runAnnouncement(run, run.status === 'completed' ? verdictOf(run.id) : null);
      if (said) notify(said);
    }
  });
}
