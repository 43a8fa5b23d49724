/**
 * `generate`: 64 greedy tokens after a prompt of 32: one row without adapter (as merged), and as many rows as adapters,
 * each with its own, in one batch. All systems must give the same ids.
 */
import { Random } from '../../src-shared/random.ts';
import type { Target } from '../../src-shared/targets.ts';
import { graftCommand, torchCommands, type Context } from '../lib/context.ts';
import { architectureFromConfig, linearModules } from '../../src-main/engine/model/architecture.ts';
import { decodingFlops } from '../lib/flops.ts';
import { configOf, ensureModel, vocabularyOf, type Shape } from '../lib/models.ts';
import { withPeers, type Peer } from '../lib/peer.ts';
import type { Profile } from '../lib/profile.ts';
import { profileText } from '../lib/profileText.ts';
import { makeRow, peakOf, race, type CaseResult, type Row } from '../lib/result.ts';
import type { AdaptersSetup, GenerateAnswer } from '../peers/protocol.ts';
import { withPeak } from './withPeak.ts';

const PROMPT = 32;
const NEW = 64;
const RANK = 8;
const TARGETS: Target[] = ['q', 'v'];

export async function generate(context: Context): Promise<CaseResult> {
  const rows = [...(await generateWith(context, 'gpt2')), ...(await generateWith(context, 'smollm'))];
  return withPeak(context, {
    name: 'generate',
    what:
      `${NEW} greedy tokens after ${PROMPT}: one row without adapter, and a row per adapter (r = 8 on q and v) ` +
      'in one batch.',
    rows,
    notes: [
      'All systems gave the same ids.',
      'The rival decodes the rows with adapters as one batch too, with the A and B of each row stacked.',
    ],
  });
}

async function generateWith(context: Context, shape: Shape): Promise<Row[]> {
  const modelDir = await ensureModel(shape);
  const random = new Random(4);
  const request = { prompt: Array.from({ length: PROMPT }, () => random.integer(vocabularyOf(shape))), maxNew: NEW };
  return withPeers([graftCommand(context), ...torchCommands(context)], async (peers) => {
    for (const peer of peers) await peer.ask('load', { modelDir });
    const alone = { variant: shape, count: 1, flops: flopsOf(shape, 1, []) };
    const rows = await timed(context, peers, alone, (peer) => peer.ask<GenerateAnswer>('generate', request));
    if (context.profile)
      context.say(
        profileText(
          `${NEW} tokens of ${shape}`,
          await peers[0]!.ask<Profile>('profile', { work: 'generate', request }),
        ),
      );
    for (const count of context.quick ? [4] : [1, 4]) {
      const setup: AdaptersSetup = {
        files: Array.from({ length: count }, (_, i) => `${shape}-generate-${i}.safetensors`),
        targets: TARGETS,
        rank: RANK,
        alpha: 16,
      };
      for (const peer of peers) await peer.ask('adapters', setup); // Graft, the first, writes what the others read
      const together = {
        variant: `${shape}, ${count} adapter${count > 1 ? 's' : ''}`,
        count,
        flops: flopsOf(shape, count, TARGETS),
      };
      rows.push(
        ...(await timed(context, peers, together, (peer) => peer.ask<GenerateAnswer>('generateMany', request))),
      );
    }
    return rows;
  });
}

/** Of `count` rows with adapters on `targets`. */
function flopsOf(shape: Shape, count: number, targets: Target[]): number {
  const spec = architectureFromConfig(configOf(shape));
  const adapter = linearModules(spec)
    .filter(({ target }) => targets.includes(target))
    .reduce((sum, { inFeatures, outFeatures }) => sum + RANK * (inFeatures + outFeatures), 0);
  return decodingFlops(spec, { rows: count, prompt: PROMPT, count: NEW, adapter });
}

/** Throws where a system writes another text; that first run warms all of them up. */
async function timed(
  context: Context,
  peers: Peer[],
  { variant, count, flops }: { variant: string; count: number; flops: number },
  run: (peer: Peer) => Promise<GenerateAnswer>,
): Promise<Row[]> {
  const texts = new Map<string, string>();
  for (const peer of peers) texts.set(peer.name, (await run(peer)).ids.join(' '));
  if (new Set(texts.values()).size > 1)
    throw new Error(
      `${variant}: ids differ, no time is reported: ${[...texts].map(([name, ids]) => `${name} ${ids}`).join('; ')}`,
    );
  const samples = await race(context, peers, context.quick ? 4 : 8, async (peer) => (await run(peer)).ms);
  const rows: Row[] = [];
  for (const peer of peers)
    rows.push(
      makeRow(
        variant,
        peer.name,
        samples.get(peer.name)!,
        { amount: count * NEW, unit: 'tokens/s', flops },
        await peakOf(peer),
      ),
    );
  return rows;
}
