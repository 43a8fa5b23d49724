/** What a case measures, and how one system's figures become a row. */
import type { PeakAnswer } from '../peers/protocol.ts';
import { GRAFT, type Context } from './context.ts';
import { isDisturbed, type Sample } from './otherLoad.ts';
import type { Peer } from './peer.ts';
import type { Plot } from './plot.ts';
import { summarise, type Summary } from './stats.ts';

export interface Row {
  /** What distinguishes this row within its case, e.g. `sorted`; systems of the same variant are compared. */
  variant: string;
  system: string;
  samples: Sample[];
  /** Other programs disturbed every sample: the times stand, but nothing is compared with them. */
  disturbed: boolean;
  /** Of the undisturbed samples, or of all where there are none. */
  time: Summary;
  /** Amount of work per sample over the median time. */
  rate: { perSecond: number; unit: string };
  /** Arithmetic per second at the median time; absent where no products are counted. */
  flopsPerSecond?: number;
  /** Largest resident memory of the process so far; null where it says nothing. */
  peakBytes: number | null;
  /** Further columns of the table, by their heads. */
  more?: Record<string, string>;
}

export interface CaseResult {
  name: string;
  /** One sentence for the table's head. */
  what: string;
  rows: Row[];
  notes: string[];
  /** What `flopsPerSecond` of the rows is a share of. */
  peakFlopsPerSecond?: number;
  /** Drawn into docs. */
  plots?: Plot[];
}

/** Work done per sample, e.g. 508 labelled tokens. */
export interface Work {
  amount: number;
  unit: string;
  /** Multiplications and additions of the case's products per sample (flops.ts). */
  flops?: number;
}

/** Turns around the systems, `rounds` times: Graft, rival, Graft, rival … Each waits idle while another works. */
export async function race(
  { turns }: Pick<Context, 'turns'>,
  peers: Peer[],
  rounds: number,
  turn: (peer: Peer) => Promise<number>,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]));
  const pids = peers.map(({ pid }) => pid);
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) samples.get(peer.name)!.push(await turns.take(pids, () => turn(peer)));
  }
  return samples;
}

export async function peakOf(peer: Peer): Promise<number> {
  return (await peer.ask<PeakAnswer>('peak')).peakBytes;
}

export function makeRow(variant: string, system: string, samples: Sample[], work: Work, peakBytes: number | null): Row {
  const quiet = samples.filter((sample) => !isDisturbed(sample));
  const disturbed = quiet.length === 0;
  const time = summarise((disturbed ? samples : quiet).map(({ ms }) => ms));
  return {
    variant,
    system,
    samples,
    disturbed,
    time,
    rate: { perSecond: work.amount / (time.median / 1000), unit: work.unit },
    ...(work.flops === undefined ? {} : { flopsPerSecond: work.flops / (time.median / 1000) }),
    peakBytes,
  };
}

/**
 * Graft against a rival of the same variant: speed (by medians) > 1 and memory < 1 are in Graft's favour. Of a rival in
 * several configurations only the best counts: the fastest for speed, the one that needs least for memory; the others
 * have null. No speed where Graft or every configuration was disturbed. Null for Graft itself.
 */
export function ratiosOf(row: Row, rows: readonly Row[]): Ratios | null {
  const graft = rows.find(({ system, variant }) => system === GRAFT && variant === row.variant);
  if (!graft || row.system === GRAFT) return null;
  const configurations = rows.filter(
    ({ system, variant }) => variant === row.variant && rivalOf(system) === rivalOf(row.system),
  );
  const quiet = configurations.filter(({ disturbed }) => !disturbed);
  const fastest = least(quiet, ({ time }) => time.median);
  const smallest = least(configurations, ({ peakBytes }) => peakBytes ?? Infinity);
  return {
    speed: !graft.disturbed && row === fastest ? row.time.median / graft.time.median : null,
    memory:
      row === smallest && row.peakBytes !== null && graft.peakBytes !== null ? graft.peakBytes / row.peakBytes : null,
    disturbed: graft.disturbed || !fastest,
  };
}

export interface Ratios {
  speed: number | null;
  memory: number | null;
  /** Nothing can be said about speed. */
  disturbed: boolean;
}

/** `PyTorch, tcmalloc` is PyTorch in another configuration. */
function rivalOf(system: string): string {
  return system.split(',')[0] ?? system;
}

function least<T>(items: readonly T[], value: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>((best, item) => (best && value(best) <= value(item) ? best : item), undefined);
}
