/**
 * Splits examples into training and validation rows, the same way for the same seed. Rows with the same prompt stay
 * on one side: with several reference answers per prompt, validation would otherwise measure what was trained on.
 */
import { Random } from '../engine/random.ts';

/**
 * `valShare` of the rows (at least one row when it is above 0 and there are two or more) go to `val`; both sides keep
 * the order of the file. Whole prompt groups move. Only where even the smallest group would take more than twice the
 * wanted rows (few prompts with many answers each) rows are split one by one, and prompts are then on both sides.
 */
export function splitExamples<T extends { group: number }>(examples: readonly T[], valShare: number, seed: number): { train: T[]; val: T[] } {
  if (valShare <= 0 || examples.length < 2) return { train: [...examples], val: [] };
  const wanted = Math.min(examples.length - 1, Math.max(1, Math.round(valShare * examples.length)));
  const groups = Map.groupBy(
    examples.map((_, index) => index),
    (index) => examples[index]!.group,
  );
  const random = Random.stream(seed, 'split');
  const chosen = chooseGroups(random.shuffle([...groups.values()]), wanted) ?? random.shuffle([...examples.keys()]).slice(0, wanted);
  const inVal = new Set(chosen);
  return {
    train: examples.filter((_, index) => !inVal.has(index)),
    val: examples.filter((_, index) => inVal.has(index)),
  };
}

/** Row indices of the first groups that fit into `wanted`, else of the smallest group; undefined when that is too big. */
function chooseGroups(groups: number[][], wanted: number): number[] | undefined {
  const chosen: number[] = [];
  for (const group of groups) if (chosen.length + group.length <= wanted) chosen.push(...group);
  if (chosen.length > 0) return chosen;
  const smallest = groups.reduce((best, group) => (group.length < best.length ? group : best));
  return groups.length > 1 && smallest.length <= 2 * wanted ? smallest : undefined;
}
