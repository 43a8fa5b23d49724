/**
 * The machine's measured peak in float32 products x·W, of 512 rows as a training step has them and of one large square
 * matrix, in the library of each system: what the share of the peak in a case's table refers to.
 */
import type { ProductSize, TimeAnswer } from '../peers/protocol.ts';
import { graftCommand, torchCommands, type Context, type GemmPeak } from './context.ts';
import { withPeers, type Peer } from './peer.ts';
import { race } from './result.ts';

interface GemmSize extends ProductSize {
  /** Products per sample. */
  repeats: number;
}

const SIZES: GemmSize[] = [
  { n: 512, inner: 768, width: 3072, repeats: 20 },
  { n: 512, inner: 3072, width: 768, repeats: 20 },
  { n: 2048, inner: 2048, width: 2048, repeats: 3 },
];
const TINY_SIZES: GemmSize[] = [{ n: 64, inner: 64, width: 64, repeats: 2 }];
const ROUNDS = 5;

type Measuring = Omit<Context, 'peak'>;

/** Each system in a fresh process, in turns; the best of some samples counts, since this is a limit. */
export async function gemmPeak(context: Measuring): Promise<GemmPeak> {
  context.say('measuring the peak of matrix products …');
  // the allocator makes no difference to a product, so one PyTorch is enough
  const commands = [graftCommand(context), ...torchCommands(context).slice(0, 1)];
  return withPeers(commands, async (peers) => {
    const figures = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
    for (const peer of peers) await peer.ask('hello');
    const sizes = context.tiny ? TINY_SIZES : SIZES;
    for (const size of sizes) {
      for (const peer of peers) await ask(peer, size); // warms up
      const samples = await race(context, peers, ROUNDS, (peer) => ask(peer, size));
      for (const { name } of peers) {
        const best = Math.min(...samples.get(name)!.map(({ ms }) => ms));
        figures.get(name)!.push((2 * size.n * size.inner * size.width) / (best / 1000));
      }
    }
    const all = [...figures].map(
      ([name, values]) => `${name} ${values.map((value) => (value / 1e9).toFixed(0)).join(', ')}`,
    );
    const names = sizes.map(({ n, inner, width }) => `${n} x ${inner} x ${width}`).join(', ');
    const flopsPerSecond = Math.max(...[...figures.values()].flat());
    return {
      flopsPerSecond,
      note:
        `Products in float32 here, ${names}: ${all.join('; ')} GFLOP/s. The best of them, ` +
        `${(flopsPerSecond / 1e9).toFixed(0)}, is the peak that shares refer to; a case's arithmetic is counted from ` +
        'its shapes, without padding and without what is computed twice.',
    };
  });
}

async function ask(peer: Peer, size: GemmSize): Promise<number> {
  return (await peer.ask<TimeAnswer>('gemm', size)).ms;
}
