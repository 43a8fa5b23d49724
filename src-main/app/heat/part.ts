/** Which of the sensors are those of what a run computes on. */
import type { Adapter } from '../../hardware/cards.ts';
import type { CardHeat, Temperatures } from '../../hardware/temperatures.ts';
import type { Heat } from '../../../src-shared/heat.ts';

type Part = Pick<Heat, 'part' | 'temperatureC' | 'powerWatts' | 'powerLimitWatts'>;

/** `adapter`: the card as the engine knows it; null: the processor. Of several cards that it may be, the hottest. */
export function partOf({ cards, processorC }: Temperatures, adapter: Adapter | null): Part {
  if (adapter === null) return { part: 'processor', temperatureC: processorC, powerWatts: null, powerLimitWatts: null };
  const [card] = candidates(cards, adapter).sort((a, b) => (b.temperatureC ?? 0) - (a.temperatureC ?? 0));
  return {
    part: 'card',
    temperatureC: card?.temperatureC ?? null,
    powerWatts: card?.powerWatts ?? null,
    powerLimitWatts: card?.powerLimitWatts ?? null,
  };
}

function candidates(cards: readonly CardHeat[], { name, vendor, device }: Adapter): CardHeat[] {
  const ofVendor = cards.filter((card) => !vendor || vendor.toLowerCase().includes(card.vendor));
  const byId = ofVendor.filter(
    (card) => card.device !== null && device !== undefined && card.device === Number(device),
  );
  const byName = ofVendor.filter(
    (card) => card.name !== '' && name !== '' && card.name.toLowerCase().includes(name.toLowerCase()),
  );
  return [byId, byName, ofVendor].find((found) => found.length > 0) ?? [];
}
