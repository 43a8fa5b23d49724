/**
 * A file that lies in the data folder while a host runs, so that the next start sees when one did not end by itself:
 * what is killed can write no report.
 */
import fs from 'node:fs';
import path from 'node:path';
import { isAlive } from '../../files/isAlive.ts';
import { makeFolders } from '../../files/makeFolders.ts';
import { writeFileAtomic } from '../../files/writeWhole.ts';

const NAME = /^running-(\d+)$/;

/** Marks this process as running; the returned function takes the mark away. */
export function leaveMark(dir: string): () => void {
  makeFolders(dir, 0o700);
  const mark = path.join(dir, `running-${process.pid}`);
  writeFileAtomic(mark, new Date().toISOString());
  return () => fs.rmSync(mark, { force: true });
}

/** Takes away the marks of processes that are no more, and returns when each had started. */
export function takeAbandonedMarks(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir).flatMap((name): string[] => {
    const pid = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    // This process has left none yet: where the mark has its id, the system has used the id again.
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) return [];
    const mark = path.join(dir, name);
    const startedAt = fs.readFileSync(mark, 'utf8').slice(0, 40);
    fs.rmSync(mark, { force: true });
    return [startedAt];
  });
}
