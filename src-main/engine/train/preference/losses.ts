/**
 * The losses of preference tuning, from log-probabilities of whole answers. Everything is a small vector: one number
 * per pair or answer.
 *
 * D is what an answer has gained against the reference: log p(answer) - log p_ref(answer), summed over its tokens.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DpoObjective, KtoObjective, SimpoObjective } from '../../../../src-shared/objectives.ts';

/** (P) of the chosen and of the rejected answers of P pairs. */
export interface Pairs {
  chosen: tf.Tensor1D;
  rejected: tf.Tensor1D;
}

/**
 * (P) -(1-e)·log s(beta·(Dw - Dl)) - e·log s(-beta·(Dw - Dl)), s the logistic function (Rafailov et al. 2023, equation
 * 7; e: Mitchell 2023, cDPO). IPO: (Dw/nw - Dl/nl - 1/(2·beta))^2 (Azar et al. 2023, equation 17, with means over the
 * n tokens of an answer, as TRL, where the paper has sums). gains: D of each; tokens: n.
 */
export function dpoLosses({ chosen, rejected }: Pairs, tokens: Pairs, objective: DpoObjective): tf.Tensor1D {
  const { beta, loss, labelSmoothing } = objective;
  if (loss === 'sigmoid') return logisticLosses(tf.mul(tf.sub(chosen, rejected), beta), labelSmoothing);
  const difference = tf.sub(tf.div(chosen, tokens.chosen), tf.div(rejected, tokens.rejected));
  return tf.square(tf.sub(difference, 1 / (2 * beta)));
}

/**
 * (P) -log s(log odds(chosen) - log odds(rejected)), odds(a) = p/(1-p), p the geometric mean of the probabilities of
 * an answer's tokens (Hong et al. 2024, equations 4 to 7); lambda times its mean stands beside the usual loss. means:
 * mean log-probability per token.
 */
export function oddsRatioLosses({ chosen, rejected }: Pairs): tf.Tensor1D {
  return logisticLosses(tf.sub(logOdds(chosen), logOdds(rejected)), 0);
}

/** (P) -log s(beta·(aw - al) - gamma), a the mean log-probability per token (Meng et al. 2024, equation 6). */
export function simpoLosses({ chosen, rejected }: Pairs, { beta, gamma, labelSmoothing }: SimpoObjective): tf.Tensor1D {
  return logisticLosses(tf.sub(tf.mul(tf.sub(chosen, rejected), beta), gamma), labelSmoothing);
}

/**
 * (B) weight·(1 - s(beta·(D - z))) of a good answer, weight·(1 - s(beta·(z - D))) of a bad one (Ethayarajh et al. 2024,
 * equation 8; z = 0: D'Oosterlinck et al. 2024, equation 7). good: 1 or 0 for each; z is no function of the parameters.
 */
export function ktoLosses(gains: tf.Tensor1D, good: Uint8Array, z: number, objective: KtoObjective): tf.Tensor1D {
  const { beta, desirableWeight, undesirableWeight } = objective;
  const signs = tf.tensor1d(Array.from(good, (is) => (is ? beta : -beta)));
  const weights = tf.tensor1d(Array.from(good, (is) => (is ? desirableWeight : undesirableWeight)));
  return tf.mul(weights, tf.sigmoid(tf.neg(tf.mul(signs, tf.sub(gains, z)))));
}

/** -(1-e)·log s(x) - e·log s(-x). */
function logisticLosses(x: tf.Tensor1D, e: number): tf.Tensor1D {
  const right = tf.softplus(tf.neg(x));
  return e === 0 ? right : tf.add(tf.mul(right, 1 - e), tf.mul(tf.softplus(x), e));
}

/** log(p/(1-p)) of log p. */
function logOdds(logP: tf.Tensor1D): tf.Tensor1D {
  return tf.sub(logP, tf.log1p(tf.neg(tf.exp(logP))));
}
