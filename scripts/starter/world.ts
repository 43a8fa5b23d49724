/**
 * The small closed world that the starter model reads about: places to eat, each with a handful of facts, and the
 * record line that lists those facts. Sentences about places are in sentences.ts.
 */
import type { Random } from '../../src-shared/random.ts';

export interface Place {
  /** Without its article, e.g. "Blue Fox". */
  name: string;
  kind: string;
  food: string;
  area: string;
  price: string;
  /** A landmark without its article. */
  near?: string;
  /** Number of stars, as a word. */
  rating?: string;
}

const FIRST = [
  'Blue',
  'Red',
  'Golden',
  'Silver',
  'Old',
  'Little',
  'Happy',
  'Quiet',
  'Brave',
  'Lucky',
  'Wild',
  'Green',
  'White',
  'Black',
  'Hungry',
  'Sleepy',
  'Merry',
  'Proud',
  'Gentle',
  'Clever',
  'Rusty',
  'Sunny',
  'Misty',
  'Dusty',
];
const SECOND = [
  'Fox',
  'Bear',
  'Heron',
  'Otter',
  'Lantern',
  'Kettle',
  'Anchor',
  'Oak',
  'Crown',
  'Bell',
  'Swan',
  'Badger',
  'Pear',
  'Rose',
  'Wheel',
  'Lion',
  'Owl',
  'Ship',
  'Barrel',
  'Spoon',
  'Garden',
  'Star',
  'Goose',
  'Mill',
];
const KINDS = ['café', 'inn', 'bar', 'diner', 'bistro'];
const FOODS = [
  'Thai',
  'Greek',
  'Indian',
  'Italian',
  'French',
  'Japanese',
  'Mexican',
  'Turkish',
  'Polish',
  'Spanish',
  'Korean',
  'Chinese',
];
const AREAS = [
  'old town',
  'new town',
  'harbour',
  'city centre',
  'west end',
  'east end',
  'market quarter',
  'hill quarter',
];
const PRICES = ['cheap', 'affordable', 'expensive'];
const LANDMARKS = ['bridge', 'museum', 'cinema', 'library', 'lighthouse', 'church', 'town hall', 'theatre'];
const STARS = ['two', 'three', 'four', 'five'];

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)]!;
}

/** A place with all the facts that every place has; a landmark and a rating are known of half the places each. */
export function makePlace(random: Random): Place {
  return {
    name: `${pick(random, FIRST)} ${pick(random, SECOND)}`,
    kind: pick(random, KINDS),
    food: pick(random, FOODS),
    area: pick(random, AREAS),
    price: pick(random, PRICES),
    ...(random.uniform() < 0.5 ? { near: pick(random, LANDMARKS) } : {}),
    ...(random.uniform() < 0.5 ? { rating: pick(random, STARS) } : {}),
  };
}

/** `name: Blue Fox | kind: café | ...`, facts that are not known left out. */
export function recordLine({ name, kind, food, area, price, near, rating }: Place): string {
  return Object.entries({ name, kind, food, area, price, near, rating })
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field}: ${value}`)
    .join(' | ');
}
