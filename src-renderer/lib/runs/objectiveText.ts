/** The objective of a run in one line. */
import { objectiveName, OBJECTIVES, type Objective } from '../../../src-shared/objectives.ts';
import { defaultOf, type Settings } from '../../../src-shared/settings/setting.ts';
import { formatSmall } from '../format.ts';

/** `DPO, Beta 0.1`: with the first number, and others that are not as usual. */
export function objectiveText(objective: Objective): string {
  const settings: Settings = OBJECTIVES[objective.type].settings;
  const values = new Map<string, unknown>(Object.entries(objective));
  const numbers = Object.entries(settings).flatMap(([name, setting], i) => {
    const value = values.get(name);
    const isTold = typeof value === 'number' && (i === 0 || value !== defaultOf(setting));
    return isTold ? [`${setting.label} ${formatSmall(value)}`] : [];
  });
  return [objectiveName(objective), ...numbers].join(', ');
}
