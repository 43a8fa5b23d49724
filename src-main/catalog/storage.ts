/** Which folders the catalogue names, whatever the state of their rows: what is not among them belongs to nobody. */
import type { Database } from 'better-sqlite3';

interface EndedRun {
  id: string;
}

export function storageQueries(db: Database) {
  const adapterDirs = db.prepare<[], { dir: string }>('SELECT dir FROM adapters');
  const modelDirs = db.prepare<[], { dir: string }>('SELECT dir FROM base_models');
  const runIds = db.prepare<[], EndedRun>('SELECT id FROM runs');
  const finished = db.prepare<[], EndedRun>(`SELECT id FROM runs WHERE status IN ('completed', 'stopped')`);
  const unfinished = db.prepare<[], { dir: string }>(`SELECT json_extract(spec, '$.outDir') AS dir FROM runs WHERE status IN ('queued', 'running', 'paused')`);
  const exporting = db.prepare<[], { dir: string }>(`SELECT out_dir AS dir FROM exports WHERE status = 'running'`);
  const exported = db.prepare<[], { dir: string }>(`SELECT DISTINCT out_dir AS dir FROM exports WHERE status = 'completed'`);
  const dirs = (rows: { dir: string }[]): string[] => rows.map(({ dir }) => dir);
  return {
    adapterDirs: () => dirs(adapterDirs.all()),
    modelDirs: () => dirs(modelDirs.all()),
    runIds: () => runIds.all().map(({ id }) => id),
    /** Runs that ended well; a failed one may still be resumed from its checkpoint. */
    finishedRunIds: () => finished.all().map(({ id }) => id),
    /** Where runs and exports under way are about to put something. */
    expectedDirs: () => dirs([...unfinished.all(), ...exporting.all()]),
    exportDirs: () => dirs(exported.all()),
  };
}
