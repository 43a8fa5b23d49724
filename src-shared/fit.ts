/** What Graft has chosen so that a run fits, in words, and put into the run. */
import type { BaseDtype, EmbeddingDtype } from './baseDtypes.ts';
import { FIT_PARTS, type FitRow, type FitSettings } from './plan.ts';
import { counted } from './plural.ts';

/** One thing that was changed, and what it costs. */
export interface FitChange {
  what: string;
  cost: string;
}

/** Empty where the run fits as it was asked for. */
export function fitChanges(asked: FitSettings, chosen: FitRow): FitChange[] {
  const changes: FitChange[] = [];
  if (chosen.baseDtype !== asked.baseDtype || chosen.embeddingDtype !== asked.embeddingDtype)
    changes.push({
      what: `base in ${formText(chosen)}`,
      cost: `validation loss about ${chosen.lossError} higher than with float32`,
    });
  if (chosen.batch !== asked.batch)
    changes.push({
      what: `${counted(chosen.batch, ['row', 'rows'])} at a time, ${chosen.accumulate} times per step`,
      cost:
        chosen.batch * chosen.accumulate === asked.batch * asked.accumulate
          ? 'the same rows per step, a little slower'
          : `${chosen.batch * chosen.accumulate} rows per step instead of ${asked.batch * asked.accumulate}`,
    });
  if (chosen.gradientCheckpointing && !asked.gradientCheckpointing)
    changes.push({ what: 'blocks computed again for the gradient', cost: 'the same result, about a third slower' });
  if (chosen.maxLength < asked.maxLength)
    changes.push({ what: `rows cut at ${chosen.maxLength} tokens`, cost: 'what is cut off is not learnt' });
  return changes;
}

/** Whether two are the same settings. */
export function isSameFit(a: FitSettings, b: FitSettings): boolean {
  return FIT_PARTS.every((part) => a[part] === b[part]);
}

/** `int8`, or `nf4, embeddings int8`. */
export function formText({
  baseDtype,
  embeddingDtype,
}: {
  baseDtype: BaseDtype;
  embeddingDtype: EmbeddingDtype;
}): string {
  return baseDtype === embeddingDtype ? baseDtype : `${baseDtype}, embeddings ${embeddingDtype}`;
}

interface Fittable {
  baseDtype?: BaseDtype | undefined;
  embeddingDtype?: EmbeddingDtype | undefined;
  train?: { batch?: number | undefined; accumulate?: number | undefined; gradientCheckpointing?: boolean | undefined };
  data?: { maxLength?: number | undefined };
}

/** The request with the chosen settings as its own: a run records what it was started with. */
export function fitted<T extends Fittable>(request: T, asked: FitSettings, chosen: FitSettings): T {
  const { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength } = chosen;
  return {
    ...request,
    ...(baseDtype === 'f32' ? {} : { baseDtype }),
    ...(embeddingDtype === 'f32' ? {} : { embeddingDtype }),
    train: { ...request.train, batch, accumulate, gradientCheckpointing },
    data: { ...request.data, ...(maxLength < asked.maxLength ? { maxLength } : {}) },
  };
}
