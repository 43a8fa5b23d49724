/**
 * How likely the model held a token: the softmax of its own logits, at temperature 1 and before any rule of sampling
 * (penalty, temperature, top-k, top-p) has touched them.
 */

export interface TokenLikelihood {
  /** Of the token that was taken. */
  p: number;
  /** The likeliest tokens, likeliest first. */
  top: { id: number; p: number }[];
}

/** p_i = exp(l_i - max) / sum_j exp(l_j - max), in float64; `count`: how many of the likeliest to name. */
export function tokenLikelihood(logits: Float32Array, id: number, count: number): TokenLikelihood {
  const likeliest = largest(logits, count);
  const max = logits[likeliest[0]!]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  const p = (token: number): number => Math.exp(logits[token]! - max) / sum;
  return { p: p(id), top: likeliest.map((token) => ({ id: token, p: p(token) })) };
}

/** Indices of the largest values, largest first, the earlier one of equals first. */
function largest(values: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && values[i]! <= values[best[count - 1]!]!) continue;
    let at = best.length;
    while (at > 0 && values[best[at - 1]!]! < values[i]!) at--;
    best.splice(at, 0, i);
    if (best.length > count) best.length = count;
  }
  return best;
}
