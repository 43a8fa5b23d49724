/** The options that name what a run learns from choices, and its settings. */
import { OBJECTIVE_TYPES, OBJECTIVES, objectiveSchema, type Objective } from '../../../src-shared/objectives.ts';
import type { Args, Options } from './args.ts';
import { givenSettings } from './settingOptions.ts';
import { refuseOthers, typedOptions } from './typedOptions.ts';

const ALL = OBJECTIVE_TYPES.map((type) => ({ type, settings: OBJECTIVES[type].settings }));

export const OBJECTIVE_OPTIONS: Options = {
  objective: {
    type: 'string',
    value: 'NAME',
    help: `learn from choices between answers: ${OBJECTIVE_TYPES.join(', ')} (answers as they stand)`,
  },
  ...typedOptions(ALL),
};

/** Undefined: supervised. Throws a usage error for wrong values, and for options of another objective. */
export function readObjective(args: Args): Objective | undefined {
  const type = args.choice('objective', OBJECTIVE_TYPES);
  refuseOthers(args, ALL, 'objective', type);
  return type && objectiveSchema.parse({ type, ...givenSettings(args, OBJECTIVES[type].settings) });
}
