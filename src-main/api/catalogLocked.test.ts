/** A call that meets the lock of another program answers with a sentence instead of holding up all others. */
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { openBench } from '../../test-support/rigs/services.ts';
import { errorDataOf } from './trpc.ts';

it('says who holds the catalogue and what to do, and reads go on', async () => {
  const b = openBench();
  const other = new Database(b.services.home.catalogFile);
  try {
    expect(b.services.catalog.db.pragma('busy_timeout', { simple: true })).toBe(200);
    b.services.catalog.waitAtMost(0);
    other.exec('BEGIN IMMEDIATE');
    const error = errorDataOf(await b.api.tasks.create({ name: 'stories' }).catch((e: unknown) => e));
    expect(error).toMatchObject({
      code: 'CATALOG_AWAY',
      message: expect.stringMatching(
        /second Graft or a backup, holds the catalogue.*close that program or wait.*Nothing is lost\.$/,
      ) as string,
    });
    expect(error.message).not.toMatch(/database is locked/);
    expect(await b.api.tasks.list()).toEqual([]);
    other.exec('ROLLBACK');
    await b.api.tasks.create({ name: 'stories' });
    expect(await b.api.tasks.list()).toMatchObject([{ name: 'stories' }]);
  } finally {
    other.close();
    await b.close();
  }
});
