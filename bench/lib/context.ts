/** What every case is given: the options of this run and how to start each system. */
import path from 'node:path';
import type { EngineName } from '../../src-main/trainer/protocol.ts';
import { benchFolder } from './models.ts';
import type { QuietTurns } from './otherLoad.ts';
import type { PeerCommand } from './peer.ts';

export interface Context {
  engine: EngineName;
  /** Fewer repetitions. */
  quick: boolean;
  /** Print Graft's time per kernel instead of racing. */
  profile: boolean;
  /** Folder whose `py` runs Python with PyTorch; null: no rival. */
  torchDir: string | null;
  /** Also PyTorch with tcmalloc, its best configuration. */
  tcmalloc: boolean;
  turns: QuietTurns;
  say(line: string): void;
}

export const GRAFT = 'Graft';

export function graftCommand({ engine }: Context): PeerCommand {
  return { name: GRAFT, command: process.execPath, args: [path.join(import.meta.dirname, '../peers/graft.ts'), engine], cwd: benchFolder() };
}

/** PyTorch, once or twice, or nobody. Paths are relative because `py` may see the file system below another root. */
export function torchCommands({ torchDir, tcmalloc }: Context): PeerCommand[] {
  if (torchDir === null) return [];
  const cwd = benchFolder();
  const script = path.relative(cwd, path.join(import.meta.dirname, '../peers/torch_lora.py'));
  const start = (name: string, ...args: string[]): PeerCommand => ({ name, command: path.join(torchDir, 'py'), args: [script, ...args], cwd });
  return [start('PyTorch'), ...(tcmalloc ? [start('PyTorch, tcmalloc', '--tcmalloc')] : [])];
}
