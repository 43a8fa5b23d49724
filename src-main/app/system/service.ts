/** The machine and this Graft: version, folders, licences, and what the desktop can show. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GRAFT_ROOT } from '../../files/repository.ts';
import { revealable, type ShowInFolder } from '../../files/reveal.ts';
import { packedCacheDir } from '../../loading/packedCache.ts';
import type { ExportService } from '../exports/service.ts';
import type { Home } from '../storage/home.ts';
import { readNotices, type Notice } from './notices.ts';
import { version } from './version.ts';

export interface SystemInfo {
  version: string;
  /** Data folder. */
  home: string;
  /** Suggested parent folder for exports. */
  exportsDir: string;
  /** Where LM Studio looks for the models of one publisher; null where it is not installed for this user. */
  lmStudioDir: string | null;
  platform: NodeJS.Platform;
  arch: string;
  host: 'electron' | 'web';
  node: string;
  /** Null on the web host. */
  electron: string | null;
  chrome: string | null;
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** Whether `reveal` can show a folder here. */
  canReveal: boolean;
  /** Where packed forms of base models are kept; it may be emptied at any time. */
  packedCacheDir: string;
}

export class SystemService {
  #home: Home;
  #exports: ExportService;
  #showInFolder: ShowInFolder | undefined;

  constructor(home: Home, exports: ExportService, showInFolder: ShowInFolder | undefined) {
    this.#home = home;
    this.#exports = exports;
    this.#showInFolder = showInFolder;
  }

  info(): SystemInfo {
    return {
      version,
      home: this.#home.dir,
      exportsDir: this.#home.exportsDir,
      lmStudioDir: lmStudioDir(),
      platform: process.platform,
      arch: process.arch,
      host: process.versions['electron'] ? 'electron' : 'web',
      node: process.versions.node,
      electron: process.versions['electron'] ?? null,
      chrome: process.versions['chrome'] ?? null,
      cpu: os.cpus()[0]?.model ?? '',
      cores: os.availableParallelism(),
      memoryBytes: os.totalmem(),
      canReveal: this.#showInFolder !== undefined,
      packedCacheDir: packedCacheDir(),
    };
  }

  /** Shows a folder of Graft's own, or of an export, in the file manager; `shown` false: there is none here. */
  reveal(folder: string): { path: string; shown: boolean } {
    const exports = this.#exports.list().map(({ outDir }) => outDir);
    const real = revealable(folder, { home: this.#home.dir, exports });
    this.#showInFolder?.(real);
    return { path: real, shown: this.#showInFolder !== undefined };
  }

  /** Packages that come with Graft, with their licences. */
  notices(): Notice[] {
    return readNotices(path.join(GRAFT_ROOT, 'THIRD-PARTY-NOTICES.md'));
  }
}

/** LM Studio finds models/PUBLISHER/MODEL/FILE.gguf below its own folder. */
function lmStudioDir(): string | null {
  const models = path.join(os.homedir(), '.lmstudio', 'models');
  return fs.existsSync(models) ? path.join(models, 'graft') : null;
}
