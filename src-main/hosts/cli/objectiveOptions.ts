/** The options that name what a run learns from choices, and its settings. */
import { usageError } from '../../../src-shared/errors.ts';
import { OBJECTIVE_TYPES, OBJECTIVES, objectiveSchema, type Objective } from '../../../src-shared/objectives.ts';
import type { Args, Options } from './args.ts';
import { givenSettings } from './settingOptions.ts';
import { refuseOthers, typedOptions } from './typedOptions.ts';

const ALL = OBJECTIVE_TYPES.map((type) => ({ type, settings: OBJECTIVES[type].settings }));

export const OBJECTIVE_OPTIONS: Options = {
  objective: {
    type: 'string',
    value: 'NAME',
    help:
      `learn from choices between answers: ${OBJECTIVE_TYPES.join(', ')}, or ipo, which is dpo with --dpo-loss ipo ` +
      '(answers as they stand)',
  },
  ...typedOptions(ALL),
};

/** Undefined: supervised. Throws a usage error for wrong values, and for options of another objective. */
export function readObjective(args: Args): Objective | undefined {
  const named = args.choice('objective', [...OBJECTIVE_TYPES, 'ipo']);
  const type = named === 'ipo' ? 'dpo' : named;
  refuseOthers(args, ALL, 'objective', type);
  if (type === undefined) return undefined;
  const given = {
    type,
    ...givenSettings(args, OBJECTIVES[type].settings),
    ...(named === 'ipo' ? { loss: 'ipo' } : {}),
  };
  if (named === 'ipo' && (args.text('dpo-loss') ?? 'ipo') !== 'ipo')
    throw usageError('BAD_USAGE', '--objective ipo is dpo with --dpo-loss ipo; leave --dpo-loss out.', {
      option: 'dpo-loss',
    });
  const { success, data, error } = objectiveSchema.safeParse(given);
  if (success) return data;
  const [issue] = error.issues;
  throw usageError('BAD_USAGE', `--objective ${named}: ${issue!.path.join('.')}: ${issue!.message}; correct it.`);
}
