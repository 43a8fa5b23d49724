/**
 * A name for a copy: `warm colours 2`, with the first number that is free. A copy of `warm colours 2` is the third of
 * `warm colours`, where there is one; else its number is part of its name. `taken`: names that there are.
 */
export function freshName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  const counted = name.replace(/ \d+$/, '');
  const stem = taken.includes(counted) ? counted : name;
  let number = 2;
  while (taken.includes(`${stem} ${number}`)) number++;
  return `${stem} ${number}`;
}
