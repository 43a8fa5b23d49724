/**
 * The matrices that a low-rank method adapts, as cells of a picture (layers × targets), and as the settings that say
 * the same. A cell is called `3.q`: layer (from 0) and target.
 */
import type { TargetSettings } from '../../../src-shared/methods/method.ts';
import { everyTarget, FUSED, type Target } from '../../../src-shared/targets.ts';
import type { RegisteredModel } from '../../lib/api.ts';

/** What a method's settings say of its matrices. */
export interface CellSettings extends TargetSettings {
  rankPattern?: Record<string, number> | undefined;
}

export type Shape = Pick<RegisteredModel, 'layers' | 'targets'>;

/** Input and output features of a target's matrix, the same in every layer. */
export interface MatrixSize {
  target: string;
  inFeatures: number;
  outFeatures: number;
}

export const cellName = (layer: number, target: string): string => `${layer}.${target}`;

export function targetOf(cell: string): string {
  return cell.slice(cell.indexOf('.') + 1);
}

export function layerOf(cell: string): number {
  return Number(cell.slice(0, cell.indexOf('.')));
}

/** Every layer of these targets. */
export function columns({ layers }: Pick<Shape, 'layers'>, targets: readonly string[]): string[] {
  return Array.from({ length: layers }, (_, layer) => targets.map((target) => cellName(layer, target))).flat();
}

/** `chosen` with cells switched on or off; switching a fused matrix on takes its parts out, and the other way round. */
export function withCells(chosen: ReadonlySet<string>, cells: readonly string[], on: boolean): Set<string> {
  const next = new Set(chosen);
  if (!on) {
    for (const cell of cells) next.delete(cell);
    return next;
  }
  const named = new Set(cells.map(targetOf));
  const wanted = cells.filter((cell) => !FUSED[targetOf(cell)]?.some((part) => named.has(part)));
  const rivals = new Set(wanted.flatMap((cell) => rivalsOf(targetOf(cell))));
  for (const cell of next) if (rivals.has(targetOf(cell))) next.delete(cell);
  for (const cell of wanted) next.add(cell);
  return next;
}

function rivalsOf(target: string): readonly string[] {
  return FUSED[target] ?? Object.entries(FUSED).flatMap(([fused, parts]) => (parts.includes(target) ? [fused] : []));
}

/** The cells as settings: whole targets and layers where that says it, single matrices left out where it does not. */
export function settingsOf(
  shape: Shape,
  chosen: ReadonlySet<string>,
  ranks: Readonly<Record<string, number>>,
): CellSettings {
  const targets = shape.targets.filter((target) => [...chosen].some((cell) => targetOf(cell) === target));
  const layers = Array.from({ length: shape.layers }, (_, layer) => layer).filter((layer) =>
    targets.some((target) => chosen.has(cellName(layer, target))),
  );
  const exclude = layers.flatMap((layer) =>
    targets.map((target) => cellName(layer, target)).filter((cell) => !chosen.has(cell)),
  );
  const rankPattern = patternOf(targets, chosen, ranks);
  return {
    targets: targets as Target[],
    ...(layers.length < shape.layers ? { layers } : {}),
    ...(exclude.length > 0 ? { exclude } : {}),
    ...(Object.keys(rankPattern).length > 0 ? { rankPattern } : {}),
  };
}

/** By target where all its chosen matrices have the same rank of their own, else one by one. */
function patternOf(
  targets: readonly string[],
  chosen: ReadonlySet<string>,
  ranks: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    targets.flatMap((target) => {
      const cells = [...chosen].filter((cell) => targetOf(cell) === target);
      const [first] = cells.map((cell) => ranks[cell]);
      if (first !== undefined && cells.every((cell) => ranks[cell] === first)) return [[target, first]];
      return cells.flatMap((cell) => (ranks[cell] === undefined ? [] : [[cell, ranks[cell]]]));
    }),
  );
}

/** The cells that settings name on a model, and the ranks of their own. */
export function cellsOf(
  shape: Shape,
  { targets = everyTarget(shape.targets) as Target[], layers, exclude = [], rankPattern = {} }: CellSettings,
): { chosen: string[]; ranks: Record<string, number> } {
  const chosen = columns(
    shape,
    (targets as string[]).filter((target) => shape.targets.includes(target)),
  ).filter((cell) => (layers?.includes(layerOf(cell)) ?? true) && !exclude.includes(cell));
  const ranks = chosen.flatMap((cell) => {
    const rank = rankPattern[cell] ?? rankPattern[targetOf(cell)];
    return rank === undefined ? [] : [[cell, rank] as const];
  });
  return { chosen, ranks: Object.fromEntries(ranks) };
}

/** The ranks that plus and minus step through. */
const RANK_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** The next power of two up or down. */
export function nextRank(rank: number, up: boolean): number {
  return (up ? RANK_STEPS.find((step) => step > rank) : RANK_STEPS.findLast((step) => step < rank)) ?? rank;
}

/** The largest rank of one matrix; undefined while its size is not known. */
export function cellBound(cell: string, sizes: readonly MatrixSize[]): number | undefined {
  const size = sizes.find(({ target }) => target === targetOf(cell));
  return size && Math.min(size.inFeatures, size.outFeatures);
}

/** The largest rank that every chosen matrix without a rank of its own takes; undefined while no size is known. */
export function rankBound(
  chosen: Iterable<string>,
  ranks: Readonly<Record<string, number>>,
  sizes: readonly MatrixSize[],
): number | undefined {
  const bounds = [...chosen]
    .filter((cell) => ranks[cell] === undefined)
    .flatMap((cell) => cellBound(cell, sizes) ?? []);
  return bounds.length > 0 ? bounds.reduce((least, bound) => Math.min(least, bound)) : undefined;
}
