/** How hot what a run computes on is, and when a run waits for it to cool down. */
import { z } from 'zod';

const degrees = z.number().min(30).max(120);

/** A run holds between two steps at `pauseAboveC` and goes on below `resumeBelowC`; degrees Celsius. */
export const heatLimitSchema = z
  .object({ pauseAboveC: degrees, resumeBelowC: degrees })
  .refine(({ pauseAboveC, resumeBelowC }) => resumeBelowC < pauseAboveC, {
    message: 'is not below the temperature at which runs hold',
    path: ['resumeBelowC'],
  });
export type HeatLimit = z.infer<typeof heatLimitSchema>;

export interface Heat {
  runId: string;
  /** What the run computes on. */
  part: 'card' | 'processor';
  /** Degrees Celsius; null where no driver tells. */
  temperatureC: number | null;
  /** What the card draws, and may draw; null where it is not told. */
  powerWatts: number | null;
  powerLimitWatts: number | null;
  /** The run waits between two steps for it to cool down. */
  held: boolean;
}

/** Whether a run is to be held now. One whose temperature is not known any more goes on. */
export function isHeld({ temperatureC, held }: Pick<Heat, 'temperatureC' | 'held'>, limit: HeatLimit | null): boolean {
  if (limit === null || temperatureC === null) return false;
  return held ? temperatureC >= limit.resumeBelowC : temperatureC > limit.pauseAboveC;
}
