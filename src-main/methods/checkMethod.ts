/**
 * Whether a method's settings fit a model, and what they train; needs no tensors, so that it can be asked before
 * anything is loaded.
 */
import { usageError } from '../../src-shared/errors.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import type { DataSpec, RunSpec } from '../../src-shared/runSpec.ts';
import { objectiveName } from '../../src-shared/objectives.ts';
import type { TrainSettings } from '../../src-shared/settings/training.ts';
import { descriptorOf, METHODS, type MethodSettings } from '../../src-shared/methods/registry.ts';
import { filesOf } from './fileRegistry.ts';
import { withTargets } from './targets.ts';

/** tensors: names of the model's tensors. Throws a usage error that names the setting and what to choose instead. */
export function checkMethod(spec: ArchitectureSpec, tensors: string[], method: MethodSettings): void {
  filesOf(method.type).check(spec, tensors, withTargets(spec, method));
}

/** Throws a usage error where texts are to be classified with a method that keeps no head. */
export function checkClassify(
  { classify, promptTemplate = 'auto' }: Pick<DataSpec, 'classify' | 'promptTemplate'>,
  { type }: MethodSettings,
): void {
  if (classify && promptTemplate !== 'auto' && promptTemplate !== 'none')
    throw usageError(
      'PROMPT_TEMPLATE',
      'Texts that are classified are read as they stand, so that no prompt template can be chosen; leave it out.',
      { promptTemplate },
    );
  if (!classify || descriptorOf(type).classifies) return;
  const able = METHODS.filter(({ classifies }) => classifies);
  throw usageError(
    'CLASSIFY_NEEDS_LORA',
    `Texts are classified with a ${able.map(({ name }) => name).join(' or ')} and a head beside it, not with the ` +
      `method ${type}; choose ${able.map((one) => one.type).join(' or ')}.`,
    { method: type },
  );
}

/** Throws a usage error OBJECTIVE_UNSUITED where a setting means nothing, or something else, beside an objective. */
export function checkObjective({
  objective,
  data,
  train,
}: Pick<RunSpec, 'objective' | 'train'> & { data: Pick<DataSpec, 'classify' | 'lossOn'> }): void {
  if (!objective) return;
  const name = objectiveName(objective);
  const refuse = (why: string): Error =>
    usageError('OBJECTIVE_UNSUITED', `${name} ${why}`, { objective: objective.type });
  if (data.classify) throw refuse('learns which answer is better, not which label a text has; leave --classify out.');
  if (data.lossOn === 'all')
    throw refuse('compares answers, so that the loss cannot be on the prompts; put the loss on completions.');
  if (train.labelSmoothing > 0)
    throw refuse(
      'knows no label smoothing over the vocabulary; set it to 0 (pairs that may be flipped: --pair-smoothing).',
    );
}

/** Throws a usage error SAMPLES_NEED_TEXT where texts are wanted of a run that writes none. */
export function checkSamples({
  data,
  train,
}: {
  data: Pick<DataSpec, 'classify'>;
  train: Pick<TrainSettings, 'samplePrompts'>;
}): void {
  if (!data.classify || train.samplePrompts.length === 0) return;
  throw usageError(
    'SAMPLES_NEED_TEXT',
    'A run that classifies texts writes none, so it has no samples; leave the sample prompts out.',
  );
}

/** Throws NO_LABEL_SMOOTHING where the model's logits are capped: the smoothed loss is summed without them. */
export function checkSmoothing(
  { family, logitCap }: ArchitectureSpec,
  { labelSmoothing }: { labelSmoothing: number },
): void {
  if (!logitCap || labelSmoothing === 0) return;
  throw usageError(
    'NO_LABEL_SMOOTHING',
    `Label smoothing does not work with the capped logits of a ${family} model; set it to 0.`,
    { family },
  );
}
