/**
 * `kernels`: products with a frozen weight and causal attention alone, on the webgpu engine beside PyTorch on the same
 * card, in TFLOP/s and as a share of the card's limit, for which the fastest product measured here stands.
 */
import { BASE_DTYPES } from '../../src-shared/baseDtypes.ts';
import { usageError } from '../../src-shared/errors.ts';
import { graftCommand, torchTrainers, type Context } from '../lib/context.ts';
import { withPeers, type Peer } from '../lib/peer.ts';
import { makeRow, race, type CaseResult, type Row } from '../lib/result.ts';
import type { AttentionSize, HelloAnswer, ProductSize, TimeAnswer } from '../peers/protocol.ts';

const PRODUCTS: ProductSize[] = [
  { n: 4096, inner: 4096, width: 4096 },
  { n: 8192, inner: 576, width: 1536 },
  { n: 8192, inner: 768, width: 3072 },
];
const ATTENTIONS = [
  { batch: 8, heads: 12, kvHeads: 12, length: 1024, width: 64 },
  { batch: 4, heads: 9, kvHeads: 3, length: 2048, width: 64 },
];
const TINY_PRODUCTS: ProductSize[] = [{ n: 64, inner: 96, width: 128 }];
const TINY_ATTENTIONS = [{ batch: 1, heads: 4, kvHeads: 2, length: 64, width: 16 }];

export async function kernels(context: Context): Promise<CaseResult> {
  if (context.engine !== 'webgpu')
    throw usageError(
      'NOT_THIS_ENGINE',
      'Case kernels measures the kernels of the webgpu engine; give --engine webgpu.',
    );
  return withPeers([graftCommand(context), ...torchTrainers(context)], async (peers) => {
    const versions = (await Promise.all(peers.map((peer) => peer.ask<HelloAnswer>('hello')))).map(
      ({ version }) => version,
    );
    const products = await timeProducts(context, peers);
    const attentions = await timeAttentions(context, peers);
    const rows = [...products, ...attentions];
    return {
      name: 'kernels',
      what: 'Kernels alone: x (n x inner) by a frozen W (width x inner) transposed, and causal attention.',
      rows,
      notes: [`${versions.join('; ')}.`, ...shares(rows, limitOf(products))],
    };
  });
}

async function timeProducts(context: Context, peers: Peer[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of context.tiny ? TINY_PRODUCTS : PRODUCTS) {
    const name = `${size.n} x ${size.inner} x ${size.width}`;
    const [graft, ...rivals] = peers as [Peer, ...Peer[]];
    for (const format of BASE_DTYPES)
      rows.push(
        ...(await timeKernel(context, [graft], `${name}, W as ${format}`, productFlops(size), 'product', {
          ...size,
          format,
        })),
      );
    rows.push(...(await timeKernel(context, rivals, name, productFlops(size), 'product', size)));
  }
  return rows;
}

async function timeAttentions(context: Context, peers: Peer[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const shape of context.tiny ? TINY_ATTENTIONS : ATTENTIONS) {
    for (const backward of [false, true]) {
      const size = { ...shape, backward };
      const name =
        `attention ${size.batch} x ${size.heads}/${size.kvHeads} heads x ${size.length} x ` +
        `${size.width}${backward ? ', forth and back' : ''}`;
      rows.push(...(await timeKernel(context, peers, name, attentionFlops(size), 'attention', size)));
    }
  }
  return rows;
}

/** One sample is the mean of several calls, so that starting and reading back weigh little. */
async function timeKernel(
  context: Context,
  peers: Peer[],
  variant: string,
  flops: number,
  command: string,
  size: object,
): Promise<Row[]> {
  const repeats = context.tiny ? 2 : 20;
  const samples = await race(
    context,
    peers,
    context.quick ? 3 : 10,
    async (peer) => (await peer.ask<TimeAnswer>(command, { ...size, repeats })).ms,
  );
  return peers.map(({ name }) =>
    makeRow(variant, name, samples.get(name)!, { amount: flops / 1e12, unit: 'TFLOP/s' }, null),
  );
}

/** Multiplications and additions of a product. */
export function productFlops({ n, inner, width }: ProductSize): number {
  return 2 * n * inner * width;
}

/**
 * Of the lower triangle: forth two products (QK^T, PV); back five, for QK^T is computed again (Dao et al. 2022,
 * appendix B). Each costs 2·T^2/2·D per head.
 */
export function attentionFlops({ batch, heads, length, width, backward }: AttentionSize): number {
  return (backward ? 2 + 5 : 2) * batch * heads * length ** 2 * width;
}

function limitOf(products: Row[]): number {
  return Math.max(...products.map(({ rate }) => rate.perSecond));
}

function shares(rows: Row[], limit: number): string[] {
  const list = rows.map(
    ({ system, variant, rate }) => `${system}, ${variant}: ${((100 * rate.perSecond) / limit).toFixed(1)}%`,
  );
  return [
    `Measured limit of the card: ${limit.toPrecision(3)} TFLOP/s, the fastest product of all systems. Shares ` +
      `of it: ${list.join('; ')}.`,
  ];
}
