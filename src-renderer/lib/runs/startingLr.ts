/** Where the learning rate of the form begins. */
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';

const TINY_PARAMETERS = 10_000_000;

/** A learning rate to begin with: a tiny model takes, and needs, larger steps than a real one. */
export function startingLr(parameters: number): number {
  return parameters < TINY_PARAMETERS ? 3e-3 : TRAIN_DEFAULTS.lr;
}
