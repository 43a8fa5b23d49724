/** Backups of the catalogue as pages and command line see them; one is made every day that Graft runs. */
import type { Catalog } from '../../catalog/catalog.ts';
import { toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import type { Home } from '../storage/home.ts';
import { backupName, listBackups, type Backup } from './files.ts';
import { makeBackup } from './make.ts';
import { wishedRestore, wishRestore } from './restore.ts';

/** How often a Graft that runs for days looks whether a new day has begun. */
const LOOK_MS = 3_600_000;

export interface BackupReport {
  dir: string;
  /** Newest first. */
  backups: Backup[];
  /** The one that the next start puts in the place of the catalogue. */
  restoring: string | null;
  /** What came of a wish at the last start. */
  restored: string | null;
  /** Why the last attempt failed. */
  failure: ErrorData | null;
}

export class BackupService {
  #home: Home;
  #catalog: Catalog;
  #under: Promise<void> | undefined;
  #failure: ErrorData | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly restored: string | null;

  constructor(home: Home, catalog: Catalog, restored: string | null) {
    this.#home = home;
    this.#catalog = catalog;
    this.restored = restored;
  }

  /** Makes today's backup where it is missing, and from now on every day's. */
  begin(): void {
    void this.daily();
    this.#timer = setInterval(() => void this.daily(), LOOK_MS).unref();
  }

  /** Resolves when today's backup is there or could not be made; `report` tells which. */
  daily(now = new Date()): Promise<void> {
    if (listBackups(this.#home.backupsDir).some(({ name }) => name === backupName('daily', now)))
      return Promise.resolve();
    this.#under ??= this.#make(now).finally(() => (this.#under = undefined));
    return this.#under;
  }

  async #make(now: Date): Promise<void> {
    const onPages = (): void => {
      if (this.#closed) throw new Error('Graft is being closed');
    };
    try {
      await makeBackup(this.#catalog.db, this.#home.backupsDir, { now, onPages });
      this.#failure = null;
    } catch (error) {
      this.#failure = this.#closed ? null : toErrorData(error);
    }
  }

  report(): BackupReport {
    const { backupsDir: dir } = this.#home;
    return {
      dir,
      backups: listBackups(dir),
      restoring: wishedRestore(this.#home),
      restored: this.restored,
      failure: this.#failure,
    };
  }

  /** As `wishRestore`. */
  restoreAtStart(name: string | null): BackupReport {
    wishRestore(this.#home, name);
    return this.report();
  }

  /** The catalogue may be closed once this has resolved. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#under;
  }
}
