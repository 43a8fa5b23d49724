/** Every combination of the values of a few settings. */
import type { z } from 'zod';
import { usageError } from '../../../src-shared/errors.ts';
import type { MethodType } from '../../../src-shared/methods/registry.ts';
import type { Setting } from '../../../src-shared/settings/setting.ts';
import { NOT_VARIED, variableSettings } from '../../../src-shared/studies.ts';
import { TRAIN_SETTINGS, type TrainSettings } from '../../../src-shared/settings/training.ts';

/** More runs than anyone waits for; a slip of the keyboard makes them soon. */
const MOST_VARIANTS = 200;

export interface GridPoint {
  label: string;
  method: Record<string, unknown>;
  train: Partial<TrainSettings>;
}

/**
 * `vary`: values by the setting's name; each is checked against its bounds. Throws a usage error STUDY_PLAN for a
 * setting that cannot be varied and for too many combinations, BAD_INPUT for a value out of bounds.
 */
export function gridOf(type: MethodType, vary: Record<string, unknown[]>): GridPoint[] {
  const settings = variableSettings(type);
  const axes = Object.entries(vary).map(([name, values]) => axisOf(type, name, settings[name], values));
  const variants = axes.reduce((product, { values }) => product * values.length, 1);
  if (axes.length === 0 || variants > MOST_VARIANTS)
    throw usageError(
      'STUDY_PLAN',
      axes.length === 0
        ? 'A grid needs a setting and its values; name at least one.'
        : `These values make ${variants} combinations, more than the ${MOST_VARIANTS} of a study; leave some out.`,
      { variants },
    );
  return axes.reduce<GridPoint[]>(
    (points, { name, called, isTraining, values }) =>
      points.flatMap((point) =>
        values.map((value) => {
          const changed = { [name]: value };
          return {
            label: [...(point.label ? [point.label] : []), `${called} ${valueText(value)}`].join(', '),
            method: isTraining ? point.method : { ...point.method, ...changed },
            train: isTraining ? { ...point.train, ...changed } : point.train,
          };
        }),
      ),
    [{ label: '', method: {}, train: {} }],
  );
}

/** `2e-4`, `q+v`, `on`. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join('+');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  return value !== 0 && Math.abs(value) < 0.01 ? value.toExponential() : String(value);
}

interface Axis {
  name: string;
  /** As the command line calls it. */
  called: string;
  isTraining: boolean;
  values: unknown[];
}

function axisOf(type: MethodType, name: string, setting: Setting | undefined, values: unknown[]): Axis {
  if (!setting) {
    const why = NOT_VARIED[name] ?? `choose among ${Object.keys(variableSettings(type)).join(', ')}`;
    throw usageError('STUDY_PLAN', `The setting ${name} cannot be varied in a study of ${type}: ${why}.`, { name });
  }
  const parsed = values.map((value) => valueOf(name, setting, value));
  const distinct = [...new Map(parsed.map((value) => [JSON.stringify(value), value])).values()];
  return { name, called: setting.flag ?? name, isTraining: name in TRAIN_SETTINGS, values: distinct };
}

function valueOf(name: string, setting: Setting, value: unknown): unknown {
  const { success, data, error } = (setting.schema as z.ZodType).safeParse(value);
  if (success) return data;
  throw usageError(
    'STUDY_PLAN',
    `${name} ${JSON.stringify(value)}: ${error.issues[0]?.message ?? 'not valid'}; correct this value.`,
    { name, value },
  );
}
