/**
 * Which folders and files the catalogue names, whatever the state of their rows: what is not among them belongs to
 * nobody.
 */
import type { Database } from 'better-sqlite3';

interface EndedRun {
  id: string;
}

export function storageQueries(db: Database) {
  const adapterDirs = db.prepare<[], { dir: string }>('SELECT dir FROM adapters');
  const modelDirs = db.prepare<[], { dir: string }>('SELECT dir FROM base_models');
  const runIds = db.prepare<[], EndedRun>('SELECT id FROM runs');
  const finished = db.prepare<[], EndedRun>(`SELECT id FROM runs WHERE status IN ('completed', 'stopped')`);
  const unfinished = db.prepare<[], { dir: string }>(
    `SELECT json_extract(spec, '$.outDir') AS dir FROM runs WHERE status IN ('queued', 'running', 'paused')`,
  );
  const exporting = db.prepare<[], { dir: string }>(`SELECT out_dir AS dir FROM exports WHERE status = 'running'`);
  const exported = db.prepare<[], { dir: string }>(
    `SELECT DISTINCT out_dir AS dir FROM exports WHERE status = 'completed'`,
  );
  const dataFiles = db.prepare<[], { file: string }>(`
    SELECT source AS file FROM datasets WHERE removed_at IS NULL
    UNION SELECT v.file FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id WHERE d.removed_at IS NULL
    UNION SELECT json_extract(spec, '$.data.file') FROM runs`);
  const dirs = (rows: { dir: string }[]): string[] => rows.map(({ dir }) => dir);
  return {
    adapterDirs: () => dirs(adapterDirs.all()),
    modelDirs: () => dirs(modelDirs.all()),
    runIds: () => runIds.all().map(({ id }) => id),
    /** Runs that ended well; a failed one may still be resumed from its run state. */
    finishedRunIds: () => finished.all().map(({ id }) => id),
    /** Where runs and exports under way are about to put something. */
    expectedDirs: () => dirs([...unfinished.all(), ...exporting.all()]),
    /** What datasets that were not removed and runs read. */
    dataFiles: () => dataFiles.all().map(({ file }) => file),
    exportDirs: () => dirs(exported.all()),
  };
}
