/**
 * The variants of a study, by its plan and the model's matrices. Alpha goes with the rank unless it is varied itself,
 * so that variants differ in their rank and not in how much their update counts (docs/decisions.md).
 */
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { availableTargets, linearModules } from '../../engine/model/architecture.ts';
import { checkSmoothing } from '../../methods/checkMethod.ts';
import { trainableOf } from '../../methods/formulas.ts';
import { withTargets } from '../../methods/targets.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { methodSchema, type MethodSettings } from '../../../src-shared/methods/registry.ts';
import { trainSettingsSchema, type TrainSettings } from '../../../src-shared/settings/training.ts';
import { USUAL_RANKS, type PlannedVariants, type StudyPlan, type StudyVariant } from '../../../src-shared/studies.ts';
import { everyTarget, type Target } from '../../../src-shared/targets.ts';
import { gridOf } from './grid.ts';

export interface StudyBase {
  method: MethodSettings;
  train: TrainSettings;
}

/** A method with a rank and chosen matrices. */
type Ranked = Extract<MethodSettings, { rank: number; targets?: Target[] | undefined }>;

type Draft = Omit<StudyVariant, 'parameters'>;

/** Throws as openBaseModel, and a usage error where the plan does not fit the method. */
export function planVariants(modelDir: string, base: StudyBase, plan: StudyPlan): PlannedVariants {
  const model = openBaseModel(modelDir);
  try {
    return plan.kind === 'targets'
      ? budgetVariants(model, base, plan.budget)
      : checked(
          model,
          base,
          plan.kind === 'ranks' ? rankDrafts(model, base, plan.ranks) : gridDrafts(model, base, plan.vary),
        );
  } finally {
    model.close();
  }
}

function checked(
  model: BaseModel,
  base: StudyBase,
  { drafts, notes }: { drafts: Draft[]; notes: string[] },
): PlannedVariants {
  const planned: PlannedVariants = { variants: [], invalid: [], notes };
  for (const draft of drafts) {
    try {
      checkSmoothing(model.spec, trainSettingsSchema.parse({ ...base.train, ...draft.train }));
      planned.variants.push({ ...draft, parameters: countOf(model, draft.method) });
    } catch (error) {
      planned.invalid.push({ label: draft.label, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return planned;
}

/** Table 5 of the paper: each attention matrix alone, pairs, all four; then the MLP, and all linear layers. */
function budgetVariants(model: BaseModel, base: StudyBase, wanted: number | undefined): PlannedVariants {
  const method = ranked(withTargets(model.spec, base.method), 'targets');
  const budget = wanted ?? countOf(model, method);
  const drafts = allocations(everyTarget(availableTargets(model.spec))).map((targets) => {
    const rank = rankFor(model, method, targets, budget);
    return { label: `r = ${rank} on ${targets.join(', ')}`, method: withRank({ ...method, targets }, rank), train: {} };
  });
  const planned = checked(model, base, { drafts, notes: [] });
  const counts = planned.variants.map(({ parameters }) => parameters);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const rounded =
    `Ranks are whole numbers, so that the variants train ${least.toLocaleString('en-US')} to ` +
    `${most.toLocaleString('en-US')} parameters; the budget is ${budget.toLocaleString('en-US')}.`;
  return { ...planned, notes: counts.length > 0 ? [rounded] : [] };
}

function allocations(available: Target[]): Target[][] {
  const among = (...targets: Target[]): Target[] => targets.filter((target) => available.includes(target));
  const attention = among('q', 'k', 'v', 'qkv', 'o');
  const mlp = available.filter((target) => !attention.includes(target));
  const groups = [
    ...attention.map((target) => [target]),
    among('q', 'k'),
    among('q', 'v'),
    attention,
    mlp,
    [...attention, ...mlp],
  ];
  const seen = new Set<string>();
  return groups.filter((group) => {
    const key = group.join();
    if (group.length === 0 || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The rank whose count is nearest to the budget; counts rise with the rank. It may be more than a matrix takes. */
function rankFor(model: BaseModel, method: Ranked, targets: Target[], budget: number): number {
  const widest = narrowest(model, targets);
  const count = (rank: number): number => countOf(model, withRank({ ...method, targets }, rank));
  // Beyond the widest rank the count goes on as it rose before, which tells by how much the budget is too large.
  const step = widest > 1 ? count(widest) - count(widest - 1) : count(1);
  if (count(widest) < budget) return widest + Math.round((budget - count(widest)) / Math.max(1, step));
  let [low, high] = [1, widest];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (count(middle) <= budget) low = middle;
    else high = middle;
  }
  return Math.abs(count(high) - budget) < Math.abs(count(low) - budget) ? high : low;
}

function rankDrafts(
  model: BaseModel,
  base: StudyBase,
  ranks: number[] | undefined,
): { drafts: Draft[]; notes: string[] } {
  const method = ranked(withTargets(model.spec, base.method), 'ranks');
  const largest = narrowest(model, method.targets ?? []);
  const usual = USUAL_RANKS.filter((rank) => rank <= largest);
  const cut =
    usual.length < USUAL_RANKS.length
      ? [`The narrowest of these matrices takes ranks up to ${largest}, so the study has no larger one.`]
      : [];
  return {
    drafts: [...new Set(ranks ?? usual)].map((rank) => ({
      label: `r = ${rank}`,
      method: withRank(method, rank),
      train: {},
    })),
    notes: ranks ? [] : cut,
  };
}

function gridDrafts(
  model: BaseModel,
  base: StudyBase,
  vary: Record<string, unknown[]>,
): { drafts: Draft[]; notes: string[] } {
  const drafts = gridOf(base.method.type, vary).map(({ label, method: changes, train }) => {
    const settings = withTargets(model.spec, methodSchema.parse({ ...base.method, ...changes }));
    const rankAlone = 'rank' in changes && !('alpha' in changes);
    if (!rankAlone || !hasRank(base.method) || !hasRank(settings)) return { label, method: settings, train };
    return { label, method: withRank(base.method, settings.rank, settings), train };
  });
  return { drafts, notes: [] };
}

function hasRank(method: MethodSettings): method is Ranked {
  return 'rank' in method && 'targets' in method;
}

function ranked(method: MethodSettings, plan: string): Ranked {
  if (hasRank(method)) return method;
  throw usageError(
    'STUDY_PLAN',
    `A study of ${plan} needs a method with a rank and chosen matrices, and ${method.type} is none; choose lora, or ` +
      'vary its settings in a grid.',
    { method: method.type, plan },
  );
}

/** `settings` (the method itself) at another rank; where it has an alpha, alpha / rank is as the method's. */
function withRank(method: Ranked, rank: number, settings: Ranked = method): Ranked {
  if (!('alpha' in method)) return { ...settings, rank };
  return { ...settings, rank, alpha: (method.alpha / method.rank) * rank } as Ranked;
}

/** The largest rank that all of these matrices take. */
function narrowest(model: BaseModel, targets: Target[]): number {
  const sides = linearModules(model.spec)
    .filter(({ target }) => targets.includes(target))
    .map(({ inFeatures, outFeatures }) => Math.min(inFeatures, outFeatures));
  return Math.min(...sides);
}

function countOf(model: BaseModel, method: MethodSettings): number {
  return trainableOf(model.spec, model.tensors, method).count;
}
