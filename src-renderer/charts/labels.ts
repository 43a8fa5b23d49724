/** Names of lines cut to where they can be told apart. */

const LONGEST = 28;

/** Each at most 28 characters, in the order of `labels`; names that differ stay different. */
export function shortLabels(labels: readonly string[]): string[] {
  const short = labels.map((label) => middleCut(label));
  return short.map((text, i) => {
    const rivals = labels.filter((label, j) => label !== labels[i] && short[j] === text);
    return rivals.length === 0 ? text : fromDifference(labels[i]!, rivals);
  });
}

/** Beginning and end, where names mostly differ. */
function middleCut(label: string): string {
  if (label.length <= LONGEST) return label;
  const half = (LONGEST - 1) / 2;
  return `${label.slice(0, Math.ceil(half))}…${label.slice(label.length - Math.floor(half))}`;
}

/** The part around the first character that none of the others has there. */
function fromDifference(label: string, rivals: readonly string[]): string {
  const starts = rivals.map((rival) => {
    let at = 0;
    while (at < label.length && label[at] === rival[at]) at++;
    return at;
  });
  const from = Math.max(0, Math.max(...starts) - LONGEST / 2);
  const part = label.slice(from, from + LONGEST - 2);
  return `${from > 0 ? '…' : ''}${part}${from + LONGEST - 2 < label.length ? '…' : ''}`;
}
