/** What a forward pass needs before it begins: where its tokens are, who sees whom, the angles of their positions. */
import * as tf from '@tensorflow/tfjs-core';
import { attentionMask } from '../ops/attention.ts';
import { rowsMask } from '../ops/rowsAttention.ts';
import { windowOf, type ArchitectureSpec } from './architecture.ts';
import type { Attachment } from './attachment.ts';
import type { ForwardOptions, Recompute } from './forwardOptions.ts';
import type { KvCache } from './kvCache.ts';
import { fullRows, type TokenRows } from './packing.ts';
import type { RotaryTables } from './rotaryTables.ts';
import type { AttentionContext } from './selfAttention.ts';
import { tokenOutside, virtualIndex, type VirtualIndex } from './virtualIndex.ts';

/** What the blocks of one forward pass have in common. */
export interface Pass extends AttentionContext {
  recompute: Recompute | undefined;
}

/** A forward pass that has not begun yet. */
export interface Entry {
  /** Token ids as they were given. */
  given: ArrayLike<number>;
  /** The same with 0 in the place of virtual tokens. */
  ids: tf.Tensor1D;
  pass: Pass;
  options: ForwardOptions;
  /** What the pass takes beside weights and cache: all that differs between two passes over equally many tokens. */
  tensors: tf.Tensor[];
}

interface Model {
  spec: ArchitectureSpec;
  adapter: Attachment | null;
  rotary: RotaryTables;
}

/** Throws GraftError TOKEN_OUTSIDE where there are virtual ids without an adapter that has such tokens. */
export function entryOf(model: Model, given: ArrayLike<number>, B: number, T: number, options: ForwardOptions): Entry {
  const { spec, adapter } = model;
  const { real: ids, virtual } = virtualIndex(given, spec.vocab);
  if (virtual && !adapter?.virtual) throw tokenOutside(given, spec.vocab);
  const pass = passOver(model, B, T, options, virtual);
  return { given, ids, pass, options, tensors: [ids, ...tensorsOf(pass, spec), ...(virtual ? [virtual.isReal] : [])] };
}

function tensorsOf({ rows, cache, virtual, maskOf, anglesOf }: Pass, spec: ArchitectureSpec): tf.Tensor[] {
  const layers = Array.from({ length: spec.layers }, (_, layer) => layer);
  const ofLayers = layers.flatMap((layer) => {
    const angles = anglesOf(layer);
    return [maskOf(windowOf(spec, layer)), ...(angles ? [angles.cos, angles.sin] : [])];
  });
  return [...new Set([rows.positions, ...(cache ? [cache.rows] : []), ...(virtual ? [virtual] : []), ...ofLayers])];
}

function passOver(
  { spec, adapter, rotary }: Model,
  B: number,
  T: number,
  { cache, packing, recompute }: ForwardOptions,
  virtual: VirtualIndex | undefined,
): Pass {
  const start = cache?.length ?? 0;
  const rows: TokenRows = { B, T, ...(packing ?? fullRows(B, T, start)) };
  if (cache) rows.positions = cache.positions(T);
  if (virtual && adapter?.virtual?.keysValues) rows.positions = tf.mul(rows.positions, virtual.isReal);
  const ownAngles = cache?.isPadded || (cache && virtual);
  const maskOf = (window: number): tf.Tensor =>
    !cache ? rowsMask(T, window) : cache.isPlain(T) ? attentionMask(T, start + T, window) : cache.mask(T, window);
  const windows = new Set(Array.from({ length: spec.layers }, (_, layer) => windowOf(spec, layer)));
  const masks = new Map([...windows].map((window) => [window, maskOf(window)]));
  return {
    rows,
    maskOf: (window) => masks.get(window) ?? maskOf(window),
    anglesOf: rotary.ofPass({ start, T, rows: ownAngles ? rows : undefined, ends: endsOf(rows, start, cache) }),
    virtual: virtual?.index,
    cache: cache && { held: cache, rows: cache.rowsFor(T, spec.kvHeads) },
    recompute,
  };
}

/** Tokens of each row at the end of a pass, what the cache holds of it included. */
function endsOf({ lengths }: TokenRows, start: number, cache: KvCache | undefined): number[] {
  return lengths.map((length, row) => start + length - (cache?.padding[row] ?? 0));
}
