/** The backups of the catalogue as files: their names say what each was made for. */
import fs from 'node:fs';
import path from 'node:path';

export type BackupKind = 'daily' | 'before an upgrade' | 'before a restore';

export interface Backup {
  /** Of the file in the folder of backups. */
  name: string;
  kind: BackupKind;
  /** When it was made, ISO 8601. */
  createdAt: string;
  sizeBytes: number;
}

/** How many of a kind are kept. */
const KEPT: Record<BackupKind, number> = { daily: 7, 'before an upgrade': 3, 'before a restore': 3 };

const PREFIXES: Record<BackupKind, string> = {
  daily: 'daily',
  'before an upgrade': 'before-upgrade',
  'before a restore': 'before-restore',
};
const KINDS = Object.keys(PREFIXES) as BackupKind[];
const NAME = /^(daily|before-upgrade|before-restore)-[0-9TZ.-]+\.db$/;

/** `daily-2026-11-30.db`: one a day; of the others one for each time. */
export function backupName(kind: BackupKind, now: Date): string {
  const time = now.toISOString();
  return `${PREFIXES[kind]}-${kind === 'daily' ? time.slice(0, 10) : time.replaceAll(':', '-')}.db`;
}

/** Newest first; none where the folder does not exist. Other files in it are not Graft's. */
export function listBackups(dir: string): Backup[] {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir)
    .flatMap((name): Backup[] => {
      const prefix = NAME.exec(name)?.[1];
      const kind = KINDS.find((one) => PREFIXES[one] === prefix);
      const stat = kind && fs.statSync(path.join(dir, name), { throwIfNoEntry: false });
      return kind && stat?.isFile() ? [{ name, kind, createdAt: stat.mtime.toISOString(), sizeBytes: stat.size }] : [];
    })
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.name.localeCompare(a.name));
}

/** Removes what is beyond the number kept of each kind, the oldest by name. */
export function pruneBackups(dir: string): void {
  const all = listBackups(dir).map(({ name, kind }) => ({ name, kind }));
  for (const kind of KINDS) {
    const names = all.filter((one) => one.kind === kind).map(({ name }) => name);
    for (const name of names.sort().slice(0, -KEPT[kind])) fs.rmSync(path.join(dir, name), { force: true });
  }
}
