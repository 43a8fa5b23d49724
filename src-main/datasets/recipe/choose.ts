/** Rows chosen at random with a seed, so that the same recipe chooses the same rows. */
import { Random } from '../../../src-shared/random.ts';

/** Leaves `most` of the rows of each class that are in (1 in `kept`). `classes`: a number per row. */
export function balanceClasses(
  kept: Uint8Array,
  classes: ArrayLike<number>,
  { most, seed }: { most: number; seed: number },
): void {
  const members = new Map<number, number[]>();
  const random = Random.stream(seed, 'balance');
  const seen = new Map<number, number>();
  for (let row = 0; row < kept.length; row++) {
    if (!kept[row]) continue;
    const own = classes[row]!;
    const chosen = members.get(own) ?? [];
    if (chosen.length === 0) members.set(own, chosen);
    const before = seen.get(own) ?? 0;
    seen.set(own, before + 1);
    if (chosen.length < most) {
      chosen.push(row);
      continue;
    }
    // Vitter's algorithm R: each row of the class has the same chance.
    const place = random.integer(before + 1);
    const leaves = place < most ? chosen[place]! : row;
    if (place < most) chosen[place] = row;
    kept[leaves] = 0;
  }
}

/** Leaves `count` of the rows that are in. */
export function sampleRows(kept: Uint8Array, { rows, seed }: { rows: number; seed: number }): void {
  balanceClasses(kept, new Uint8Array(kept.length), { most: rows, seed });
}
