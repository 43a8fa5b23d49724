/**
 * `backups list`, `backups restore`. They need the data folder only: the catalogue may be damaged, and must not be open
 * while it is replaced.
 */
import { listBackups } from '../../app/backups/files.ts';
import { restore } from '../../app/backups/restore.ts';
import { openHome } from '../../app/storage/home.ts';
import type { Command } from './command.ts';
import { bytes, table } from './format.ts';

export const backupsList: Command = {
  name: 'backups list',
  positionals: [],
  summary: 'Lists the backups of the catalogue, newest first.',
  options: {},
  async run({ print }) {
    const { backupsDir } = openHome();
    const backups = listBackups(backupsDir);
    const rows = backups.map(({ name, kind, createdAt, sizeBytes }) => [name, kind, createdAt, bytes(sizeBytes)]);
    if (rows.length > 0) table(['BACKUP', 'MADE', 'AT', 'SIZE'], rows).forEach(print);
    else print('There is no backup yet; the app makes one every day that it runs.');
    return { dir: backupsDir, backups };
  },
};

export const backupsRestore: Command = {
  name: 'backups restore',
  positionals: ['NAME'],
  summary: 'Puts a backup in the place of the catalogue, which is kept beside it. Close Graft first.',
  options: {},
  async run({ args, print }) {
    const name = args.positionals[0]!;
    const kept = restore(openHome(), name);
    print(`The catalogue is that of ${name} now. What it replaced is kept as the backup ${kept}.`);
    return { restored: name, kept };
  },
};
