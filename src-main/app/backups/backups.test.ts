/** Backups, read again by SQLite itself; restoring; and what a kill in the middle leaves. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { openCatalog, type Catalog } from '../../catalog/catalog.ts';
import { schemaVersion } from '../../catalog/migrate.ts';
import { migrations } from '../../catalog/migrations/index.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { openHome, type Home } from '../storage/home.ts';
import { removeAbandonedPartials } from '../storage/partials.ts';
import { listBackups } from './files.ts';
import { makeBackup, makeBackupNow } from './make.ts';
import { grantWish, restore, wishedRestore, wishRestore } from './restore.ts';
import { BackupService } from './service.ts';

const NOW = new Date('2026-11-30T08:00:00Z');

function newHome(): Home {
  return openHome(path.join(temporaryFolder(), 'home'));
}

function openAt(home: Home, task?: string): Catalog {
  const catalog = openCatalog(home.catalogFile);
  onTestFinished(() => {
    catalog.close();
  });
  if (task) catalog.tasks.insert({ id: task, name: task, createdAt: '2026-01-01' });
  return catalog;
}

/** What SQLite itself reads. */
function tasksIn(file: string): string[] {
  const db = new Database(file, { readonly: true });
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  const names = db.prepare('SELECT name FROM tasks ORDER BY name').pluck().all() as string[];
  db.close();
  return names;
}

it('copies the catalogue whole, with what is only in its log, and keeps seven days', async () => {
  const home = newHome();
  const catalog = openAt(home, 'colours');
  for (let day = 0; day < 9; day++) {
    const now = new Date(NOW.getTime() + day * 86_400_000);
    expect(tasksIn(await makeBackup(catalog.db, home.backupsDir, { now }))).toEqual(['colours']);
  }
  const names = listBackups(home.backupsDir).map(({ name }) => name);
  expect(names.sort()).toEqual(['02', '03', '04', '05', '06', '07', '08'].map((day) => `daily-2026-12-${day}.db`));
  expect(fs.readdirSync(home.backupsDir)).toHaveLength(7);
  expect(fs.statSync(path.join(home.backupsDir, names[0]!)).mode & 0o077).toBe(0);
});

it('makes one a day, and says why it could not', async () => {
  const home = newHome();
  const service = new BackupService(home, openAt(home, 'colours'), null);
  await service.daily(NOW);
  await service.daily(NOW);
  expect(service.report()).toMatchObject({ failure: null, backups: [{ name: 'daily-2026-11-30.db', kind: 'daily' }] });
  fs.rmSync(home.backupsDir, { recursive: true });
  fs.writeFileSync(home.backupsDir, 'no folder');
  const blocked = new BackupService({ ...home, backupsDir: path.join(home.backupsDir, 'in') }, openAt(home), null);
  await blocked.daily(NOW);
  expect(blocked.report().failure?.message).toMatch(/could not be backed up into .* make room there/);
});

it('is made before a migration, of the catalogue as it was', () => {
  const home = newHome();
  const old = new Database(home.catalogFile);
  old.exec(migrations[0]!);
  old.pragma('user_version = 1');
  old.exec("INSERT INTO tasks (id, name, created_at) VALUES ('t', 'stories', '2026-01-01')");
  old.close();
  openCatalog(home.catalogFile, undefined, (db) => void makeBackupNow(db, home.backupsDir, NOW)).close();
  const [backup] = listBackups(home.backupsDir);
  expect(backup).toMatchObject({ name: 'before-upgrade-2026-11-30T08-00-00.000Z.db', kind: 'before an upgrade' });
  const copy = new Database(path.join(home.backupsDir, backup!.name));
  expect(schemaVersion(copy)).toBe(1);
  copy.close();
  let asked = false;
  openCatalog(home.catalogFile, undefined, () => (asked = true)).close();
  openCatalog(path.join(temporaryFolder(), 'new.db'), undefined, () => (asked = true)).close();
  expect(asked).toBe(false);
});

it('restores one, also in the place of a damaged catalogue, and keeps what was there', async () => {
  const home = newHome();
  const catalog = openCatalog(home.catalogFile);
  catalog.tasks.insert({ id: 'a', name: 'before', createdAt: '2026-01-01' });
  await makeBackup(catalog.db, home.backupsDir, { now: NOW });
  catalog.tasks.insert({ id: 'b', name: 'since', createdAt: '2026-01-01' });
  expect(() => restore(home, 'daily-2026-11-30.db')).toThrow(/is open in another Graft; close that first/);
  expect(tasksIn(home.catalogFile)).toEqual(['before', 'since']);
  catalog.close();

  const kept = restore(home, 'daily-2026-11-30.db', NOW);
  expect(tasksIn(home.catalogFile)).toEqual(['before']);
  expect(tasksIn(path.join(home.backupsDir, kept))).toEqual(['before', 'since']);
  restore(home, kept);
  expect(tasksIn(home.catalogFile)).toEqual(['before', 'since']);

  fs.writeFileSync(home.catalogFile, 'no database '.repeat(1000));
  fs.writeFileSync(`${home.catalogFile}-wal`, 'no log');
  const garbage = restore(home, 'daily-2026-11-30.db');
  expect(tasksIn(home.catalogFile)).toEqual(['before']);
  expect(fs.readFileSync(path.join(home.backupsDir, garbage), 'utf8')).toContain('no database');
});

it('restores at the next start, and refuses what is no backup or a damaged one', async () => {
  const home = newHome();
  const catalog = openCatalog(home.catalogFile);
  catalog.tasks.insert({ id: 'a', name: 'before', createdAt: '2026-01-01' });
  await makeBackup(catalog.db, home.backupsDir, { now: NOW });
  catalog.tasks.insert({ id: 'b', name: 'since', createdAt: '2026-01-01' });
  expect(() => wishRestore(home, '../graft.db')).toThrow(/There is no backup \.\.\/graft\.db/);
  fs.writeFileSync(path.join(home.backupsDir, 'daily-2026-11-29.db'), 'x'.repeat(5000));
  expect(() => wishRestore(home, 'daily-2026-11-29.db')).toThrow(/is damaged or no catalogue of Graft's/);
  expect(grantWish(home)).toBeNull();
  wishRestore(home, 'daily-2026-11-30.db');
  expect(grantWish(home)).toMatch(/was not restored: .* is open in another Graft/);
  expect(wishedRestore(home)).toBe('daily-2026-11-30.db');
  catalog.close();
  expect(grantWish(home)).toBe('The catalogue was restored from the backup daily-2026-11-30.db.');
  expect(tasksIn(home.catalogFile)).toEqual(['before']);
  expect(grantWish(home)).toBeNull();
});

it('a process that is killed in the middle leaves no backup, and a catalogue that is whole', async () => {
  const home = newHome();
  const catalog = openCatalog(home.catalogFile);
  for (let i = 0; i < 3000; i++) catalog.settings.set(`key ${i}`, 'value '.repeat(300));
  catalog.close();
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const [{ openCatalog }, { makeBackup }] = await Promise.all([
         import(${JSON.stringify(path.resolve(import.meta.dirname, '../../catalog/catalog.ts'))}),
         import(${JSON.stringify(path.resolve(import.meta.dirname, 'make.ts'))})]);
       const { db } = openCatalog(${JSON.stringify(home.catalogFile)});
       await makeBackup(db, ${JSON.stringify(home.backupsDir)}, {
         onPages: (left) => { if (left > 0 && left < 800) process.kill(process.pid, 'SIGKILL'); } });
       console.log('finished');`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const signal = await new Promise((resolve) => child.on('exit', (_code, name) => resolve(name)));
  expect([signal, said]).toEqual(['SIGKILL', '']);

  const left = fs.readdirSync(home.backupsDir);
  expect(left.some((name) => name.endsWith('.partial'))).toBe(true); // it was in the middle
  expect(listBackups(home.backupsDir)).toEqual([]);
  removeAbandonedPartials(home, () => false);
  expect(fs.readdirSync(home.backupsDir)).toEqual([]);
  const again = openAt(home);
  expect(again.db.pragma('integrity_check', { simple: true })).toBe('ok');
  const file = await makeBackup(again.db, home.backupsDir);
  const copy = new Database(file, { readonly: true });
  expect(copy.prepare('SELECT count(*) FROM settings').pluck().get()).toBe(3000);
  copy.close();
});
