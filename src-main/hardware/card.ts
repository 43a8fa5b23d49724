/** A graphics card as its driver describes it. */
import type { CardMemory } from '../../src-shared/plan.ts';

export interface Card extends CardMemory {
  vendor: 'nvidia' | 'amd' | 'intel' | 'apple';
  /** Empty where the driver gives none. */
  name: string;
  /** PCI device number; null where it is not told. */
  device: number | null;
}
