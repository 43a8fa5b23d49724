/** The adapted matrices in words. */
import { counted } from '../../../src-shared/plural.ts';
import { columns, targetOf, type Shape } from './matrices.ts';

/** `q v in all 4 layers`, `q k v, 9 of 12 matrices`. */
export function targetsText(shape: Shape, chosen: ReadonlySet<string>): string {
  const targets = shape.targets.filter((target) => [...chosen].some((cell) => targetOf(cell) === target));
  const all = columns(shape, targets).length;
  return chosen.size === all
    ? `${targets.join(' ')} in all ${counted(shape.layers, ['layer', 'layers'])}`
    : `${targets.join(' ')}, ${chosen.size} of ${all} matrices`;
}
