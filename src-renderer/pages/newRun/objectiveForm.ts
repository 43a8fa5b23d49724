/** What a run learns, as the form offers it for the rows that were chosen, keeps and sends it. */
import type { RowShape } from '../../../src-shared/datasets.ts';
import {
  OBJECTIVE_TYPES,
  OBJECTIVES,
  objectiveSchema,
  type Objective,
  type ObjectiveType,
} from '../../../src-shared/objectives.ts';
import { defaultOf, problemWith, type Settings } from '../../../src-shared/settings/setting.ts';
import type { Entered } from './methodForm.ts';

/** `supervised`: answers as they stand. */
export type ObjectiveChoice = 'supervised' | ObjectiveType;
export const OBJECTIVE_CHOICES: readonly ObjectiveChoice[] = ['supervised', ...OBJECTIVE_TYPES];

export const OBJECTIVE_NAMES: Record<ObjectiveChoice, string> = {
  supervised: 'Answers as they stand',
  dpo: OBJECTIVES.dpo.name,
  orpo: OBJECTIVES.orpo.name,
  simpo: OBJECTIVES.simpo.name,
  kto: OBJECTIVES.kto.name,
};

/** What the rows can be used for, the usual choice first; all that can be said before they are read is supervised. */
export function offeredFor(shape: RowShape | undefined): readonly ObjectiveChoice[] {
  if (shape?.kind === 'preference') return OBJECTIVE_TYPES;
  return shape?.marked ? ['kto', 'supervised'] : ['supervised'];
}

/** What was chosen where these rows can be used for it, else the usual choice. */
export function objectiveFor(chosen: ObjectiveChoice | 'auto', shape: RowShape | undefined): ObjectiveChoice {
  const offered = offeredFor(shape);
  return offered.find((choice) => choice === chosen) ?? offered[0] ?? 'supervised';
}

export function settingsFor(choice: ObjectiveChoice): Settings {
  return choice === 'supervised' ? {} : OBJECTIVES[choice].settings;
}

/** What was entered where it can be used, else the default. */
export function objectiveValue(choice: ObjectiveChoice, entered: Entered, name: string): unknown {
  const setting = settingsFor(choice)[name];
  if (!setting) return undefined;
  const parsed = setting.schema.safeParse(entered[name]);
  return parsed.success ? parsed.data : defaultOf(setting);
}

/** The settings that the form shows: IPO knows no flipped pairs. */
export function shownSettings(choice: ObjectiveChoice, entered: Entered): string[] {
  const isIpo = choice === 'dpo' && objectiveValue(choice, entered, 'loss') === 'ipo';
  return Object.keys(settingsFor(choice)).filter((name) => !(isIpo && name === 'labelSmoothing'));
}

/** The first value that cannot be used as it stands. */
export function objectiveProblem(choice: ObjectiveChoice, entered: Entered): string | undefined {
  const settings = settingsFor(choice);
  return shownSettings(choice, entered)
    .map((name) => problemWith(settings[name]!, entered[name]))
    .find((problem) => problem !== undefined);
}

/** As a request names it; undefined where answers are learnt as they stand. */
export function objectiveRequest(choice: ObjectiveChoice, entered: Entered): Objective | undefined {
  if (choice === 'supervised') return undefined;
  const values = shownSettings(choice, entered).map((name) => [name, objectiveValue(choice, entered, name)]);
  return objectiveSchema.parse({ type: choice, ...Object.fromEntries(values) });
}

/** The fields of the form for an earlier run's objective. */
export function objectiveFields(objective: Objective | undefined): {
  objective: ObjectiveChoice;
  objectiveSettings: Entered;
} {
  if (!objective) return { objective: 'supervised', objectiveSettings: {} };
  const { type, ...objectiveSettings } = objective;
  return { objective: type, objectiveSettings };
}
