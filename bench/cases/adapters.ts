/** Adapters on disk for `merge` and `switch`, made by Graft itself. */
import fs from 'node:fs';
import path from 'node:path';
import type { Target } from '../../src-shared/targets.ts';
import { graftCommand, type Context } from '../lib/context.ts';
import { benchFolder } from '../lib/models.ts';
import { withPeers } from '../lib/peer.ts';

/** Name of a PEFT folder below the bench folder, of rank 8, with random A and B; written when it is not there. */
export async function ensureAdapter(context: Context, modelDir: string, targets: Target[]): Promise<string> {
  const adapterDir = `${modelDir}-${targets.join('')}`;
  if (fs.existsSync(path.join(benchFolder(), adapterDir))) return adapterDir;
  await withPeers([graftCommand(context)], ([graft]) =>
    graft!.ask('writeAdapter', { modelDir, adapterDir, targets, rank: 8, alpha: 16 }),
  );
  return adapterDir;
}
