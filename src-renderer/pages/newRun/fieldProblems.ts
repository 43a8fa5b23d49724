/** Numbers of the form that cannot be used as they stand; each is also told at its field. */
import { DATA_SETTINGS } from '../../../src-shared/settings/data.ts';
import { problemWith } from '../../../src-shared/settings/setting.ts';
import { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';
import type { AnyMethod } from '../../../src-shared/methods/registry.ts';
import type { Draft } from './draft.ts';
import { shownAt, type Entered } from './methodForm.ts';
import { cellBound } from './matrices.ts';
import type { MatrixSize } from './matrices.ts';

/** What bounds a setting of the method beyond its schema. */
export function boundsFor(name: string, rankBound: number | undefined): { min?: number; max?: number | undefined } {
  return name === 'rank' ? { min: 1, max: rankBound } : {};
}

/** The first problem among the method's own fields. */
export function methodProblem(method: AnyMethod, entered: Entered, rankBound: number | undefined): string | undefined {
  const names = [...shownAt(method, entered, 'fields'), ...shownAt(method, entered, 'more')];
  return first(names.map((name) => problemWith(method.settings[name]!, entered[name], boundsFor(name, rankBound))));
}

/** What of the method and its matrices cannot be used. */
export function methodStepProblem(wizard: {
  method: AnyMethod;
  draft: Pick<Draft, 'settings' | 'ranks'>;
  hasTargets: boolean;
  hasRanks: boolean;
  chosen: ReadonlySet<string>;
  rankBound: number | undefined;
  sizes: readonly MatrixSize[];
}): string | undefined {
  const { method, draft, hasTargets, hasRanks, chosen, rankBound, sizes } = wizard;
  if (hasTargets && chosen.size === 0) return 'No matrix is chosen; click at least one.';
  const own = methodProblem(method, draft.settings, rankBound);
  return own ?? (hasRanks ? ranksProblem(draft.ranks, sizes) : undefined);
}

/** The first matrix whose own rank does not fit it. */
export function ranksProblem(
  ranks: Readonly<Record<string, number>>,
  sizes: readonly MatrixSize[],
): string | undefined {
  return first(
    Object.entries(ranks).map(([cell, rank]) => {
      const most = cellBound(cell, sizes);
      const isFine = Number.isInteger(rank) && rank >= 1 && rank <= (most ?? Infinity);
      if (isFine) return undefined;
      return most
        ? `Rank of ${cell} must be a whole number from 1 to ${most}.`
        : `Rank of ${cell} must be a whole number from 1 on.`;
    }),
  );
}

/** The first problem among the settings of the schedule. */
export function trainProblem({ train, lengthIn }: Pick<Draft, 'train' | 'lengthIn'>): string | undefined {
  const unused = lengthIn === 'steps' ? 'epochs' : 'steps';
  return first(
    Object.entries(TRAIN_SETTINGS).map(([name, setting]) =>
      name === unused ? undefined : problemWith(setting, train[name as keyof typeof TRAIN_SETTINGS]),
    ),
  );
}

export function dataProblem({ maxLength }: Pick<Draft, 'maxLength'>): string | undefined {
  return problemWith(DATA_SETTINGS.maxLength, maxLength);
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
