/** `generate`: 64 greedy tokens after a prompt of 32, batch of one, no adapter (as merged). All systems must give the same ids. */
import { Random } from '../../src-main/engine/random.ts';
import { graftCommand, torchCommands, type Context } from '../lib/context.ts';
import { ensureModel, vocabularyOf, type Shape } from '../lib/models.ts';
import { withPeers, type Peer } from '../lib/peer.ts';
import { makeRow, peakOf, race, type CaseResult, type Row } from '../lib/result.ts';
import type { GenerateAnswer } from '../peers/protocol.ts';

const PROMPT = 32;
const NEW = 64;

export async function generate(context: Context): Promise<CaseResult> {
  const rows = [...(await generateWith(context, 'gpt2')), ...(await generateWith(context, 'smollm'))];
  return { name: 'generate', what: `${NEW} greedy tokens after ${PROMPT}, batch of one, without adapter.`, rows, notes: [`All systems gave the same ${NEW} ids.`] };
}

async function generateWith(context: Context, shape: Shape): Promise<Row[]> {
  const modelDir = await ensureModel(shape);
  const random = new Random(4);
  const request = { prompt: Array.from({ length: PROMPT }, () => random.integer(vocabularyOf(shape))), maxNew: NEW };
  return withPeers([graftCommand(context), ...torchCommands(context)], async (peers) => {
    for (const peer of peers) await peer.ask('load', { modelDir });
    await validate(peers, request);
    const samples = await race(context, peers, context.quick ? 3 : 8, async (peer) => (await peer.ask<GenerateAnswer>('generate', request)).ms);
    const rows: Row[] = [];
    for (const peer of peers) rows.push(makeRow(shape, peer.name, samples.get(peer.name)!, { amount: NEW, unit: 'tokens/s' }, await peakOf(peer)));
    return rows;
  });
}

/** Throws where a system writes another text; warms all of them up. */
async function validate(peers: Peer[], request: { prompt: number[]; maxNew: number }): Promise<void> {
  const texts = new Map<string, string>();
  for (const peer of peers) texts.set(peer.name, (await peer.ask<GenerateAnswer>('generate', request)).ids.join(' '));
  if (new Set(texts.values()).size > 1) throw new Error(`ids differ, no time is reported: ${[...texts].map(([name, ids]) => `${name} ${ids}`).join('; ')}`);
}
