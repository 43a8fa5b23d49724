/** `switch`: another adapter on a loaded base, from its folder on disk to in place. Nobody else is raced. */
import { graftCommand, type Context } from '../lib/context.ts';
import { ensureModel } from '../lib/models.ts';
import type { Sample } from '../lib/otherLoad.ts';
import { withPeers } from '../lib/peer.ts';
import { makeRow, race, type CaseResult, type Row } from '../lib/result.ts';
import type { TimeAnswer } from '../peers/protocol.ts';
import type { Target } from '../../src-shared/targets.ts';
import { ensureAdapter } from './adapters.ts';

export async function switchAdapter(context: Context): Promise<CaseResult> {
  const rows = [
    ...(await switchOn(context, 'gpt2', ['q', 'v'], ['k', 'o'])),
    ...(await switchOn(context, 'smollm', ['q', 'v'], ['q', 'k', 'v', 'o', 'gate', 'up', 'down'])),
  ];
  return {
    name: 'switch',
    what: 'Replacing the adapter of a loaded base by another one from disk, two in turn.',
    rows,
    notes: [],
  };
}

async function switchOn(context: Context, shape: 'gpt2' | 'smollm', ...targets: Target[][]): Promise<Row[]> {
  const modelDir = await ensureModel(shape);
  const adapters: string[] = [];
  for (const some of targets) adapters.push(await ensureAdapter(context, modelDir, some));
  return withPeers([graftCommand(context)], async (peers) => {
    await peers[0]!.ask('resident', { modelDir });
    const rows: Row[] = [];
    const taken: Sample[][] = adapters.map(() => []);
    for (let round = 0; round < (context.quick ? 5 : 20); round++) {
      for (const [i, adapterDir] of adapters.entries()) {
        const samples = await race(
          context,
          peers,
          1,
          async (peer) => (await peer.ask<TimeAnswer>('attach', { adapterDir })).ms,
        );
        taken[i]!.push(...samples.get(peers[0]!.name)!);
      }
    }
    targets.forEach((some, i) =>
      rows.push(
        makeRow(`${shape}, to ${some.join(' ')}`, peers[0]!.name, taken[i]!, { amount: 1, unit: 'switches/s' }, null),
      ),
    );
    return rows;
  });
}
