/** Targets and ranks for a run that has not started, from the gradient of the base on a few of its batches. */
import { usageError } from '../../../src-shared/errors.ts';
import type { AdviseParams, AdviseResult } from '../../../src-shared/lab.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { allocateRanks } from '../../lab/allocate.ts';
import { gradientComponents, type GradientComponents } from '../../methods/firstGradient.ts';
import { gradientBatches } from '../../methods/lora/loraGa.ts';
import { withRanks } from '../../methods/lora/ranks.ts';
import { adaptedModules, placeOf, targetsOf } from '../../methods/targets.ts';
import { useBackend } from '../backend.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import { batchPlanOf, withDraft, type Draft } from '../train/draft.ts';
import { probeOf } from '../train/probe.ts';
import type { Emit } from './adapters.ts';

/** Most ranks of a matrix, as a multiple of the uniform one. */
const MOST = 4;

/** Writes nothing. Throws what setting up the run throws, and LAB_BUDGET where no rank fits into the budget. */
export function labAdvise({ spec, budget, rule }: AdviseParams, emit: Emit): Promise<AdviseResult> {
  return withDraft(
    spec,
    () => undefined,
    async (draft) => {
      const settings = loraOf(draft);
      const adapted = adaptedModules(draft.base.spec, settings);
      const allowed =
        budget ?? adapted.reduce((sum, { module, rank }) => sum + rank * (module.inFeatures + module.outFeatures), 0);
      const gradients = await firstGradients(draft, settings, emit);
      const candidates = gradients.map(({ module, S, squaredNorm }, i) => ({
        ...module,
        singularValues: S.subarray(0, MOST * adapted[i]!.rank),
        squaredNorm,
      }));
      const { ranks, used } = allocateRanks(candidates, allowed, rule);
      if (used === 0) {
        const least = Math.min(...adapted.map(({ module }) => module.inFeatures + module.outFeatures));
        throw usageError(
          'LAB_BUDGET',
          `No rank fits into ${allowed} trained values; give at least ${least}, one rank of the smallest matrix.`,
          { budget: allowed, least },
        );
      }
      const byPlace = new Map(adapted.map(({ module }, i) => [placeOf(module), ranks[i]!]));
      const chosen = adapted.filter((_, i) => ranks[i]! > 0);
      const { targets } = targetsOf(chosen, draft.base.spec);
      const amongTargets = adapted.filter(({ module }) => targets.includes(module.target));
      return {
        rule,
        budget: allowed,
        used,
        method: withRanks({ ...settings, targets }, amongTargets, byPlace),
        matrices: gradients.map(({ module, squaredNorm }, i) => ({
          name: module.module,
          place: placeOf(module),
          rank: ranks[i]!,
          gradientNorm: Math.sqrt(squaredNorm),
          singularValues: [...candidates[i]!.singularValues],
        })),
      };
    },
  );
}

function loraOf({ method }: Draft): LoraSettings {
  const moved = method.type === 'lora' && (method.init === 'eva' ? 'eva' : method.dora ? 'dora' : undefined);
  if (moved)
    throw usageError(
      'BAD_USAGE',
      moved === 'eva'
        ? 'EVA moves ranks by itself, so proposed ones would not stay; leave --init eva out.'
        : 'The budget does not count the magnitudes of DoRA; leave --dora out, and train with it afterwards.',
    );
  if (method.type === 'lora' && !method.rankPattern) return method;
  throw usageError(
    'BAD_USAGE',
    'Ranks are proposed for LoRA with one rank for all matrices; choose the method lora without a rank pattern.',
  );
}

async function firstGradients(draft: Draft, settings: LoraSettings, emit: Emit): Promise<GradientComponents[]> {
  if (draft.engine !== 'auto') await useBackend(draft.engine);
  const model = await loadDecoder(draft.base, baseFormsOf(draft));
  try {
    const modules = adaptedModules(draft.base.spec, settings).map(({ module }) => module);
    const probe = probeOf(draft, batchPlanOf(draft), () => undefined);
    const batches = gradientBatches(probe);
    const total = batches.length;
    return await gradientComponents(model, modules, batches, {
      k: MOST * settings.rank,
      seed: draft.train.seed,
      onBatch: async (done) => {
        await probe.onBatch?.(done);
        emit({ done: Math.min(done, total), total });
      },
    });
  } finally {
    model.dispose();
  }
}
