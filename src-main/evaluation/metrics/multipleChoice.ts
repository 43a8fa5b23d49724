/**
 * Multiple choice by log-likelihood, as lm-evaluation-harness defines it (Gao et al. 2021, MultipleChoiceTask): the
 * model chooses the continuation that it holds likeliest, as a whole (acc) or per character of its text (acc_norm).
 */

/** Index of the likeliest choice, of equal ones the first. `logLikelihoods`: natural logarithms, one per choice. */
export function likeliest(logLikelihoods: readonly number[]): number {
  return logLikelihoods.indexOf(Math.max(...logLikelihoods));
}

/** The same with each log-likelihood divided by the characters (code points) of its choice. */
export function likeliestByLength(logLikelihoods: readonly number[], choices: readonly string[]): number {
  return likeliest(logLikelihoods.map((value, i) => value / Math.max(1, [...choices[i]!].length)));
}
