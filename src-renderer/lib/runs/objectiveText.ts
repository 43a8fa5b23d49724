/** The objective of a run in one line. */
import { objectiveName, OBJECTIVES, type Objective } from '../../../src-shared/objectives.ts';
import type { Settings } from '../../../src-shared/settings/setting.ts';
import { formatSmall } from '../format.ts';

/** `DPO, Beta 0.1`: with the numbers that tell such runs apart. */
export function objectiveText(objective: Objective): string {
  const settings: Settings = OBJECTIVES[objective.type].settings;
  const numbers = Object.entries(objective).flatMap(([name, value]) =>
    typeof value === 'number' && value !== 0 ? [`${settings[name]?.label ?? name} ${formatSmall(value)}`] : [],
  );
  return [objectiveName(objective), ...numbers].join(', ');
}
