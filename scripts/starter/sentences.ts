/** English about places: full descriptions, single facts and short stories, each in many wordings. */
import type { Random } from '../../src-shared/random.ts';
import { pick, type Place } from './world.ts';

function withArticle(word: string): string {
  return `${/^[aeiou]/i.test(word) ? 'an' : 'a'} ${word}`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

const OPENINGS: ((p: Place) => string)[] = [
  (p) => `The ${p.name} is ${withArticle(p.price)} ${p.food} ${p.kind} in the ${p.area}.`,
  (p) => `In the ${p.area} there is ${withArticle(p.price)} ${p.kind} called the ${p.name} that serves ${p.food} food.`,
  (p) => `The ${p.name}, ${withArticle(p.kind)} in the ${p.area}, serves ${p.price} ${p.food} food.`,
  (p) => `${p.food} food is ${p.price} at the ${p.name}, ${withArticle(p.kind)} in the ${p.area}.`,
  (p) => `You can eat ${p.price} ${p.food} dishes at the ${p.name}, ${withArticle(p.kind)} in the ${p.area}.`,
  (p) => `The ${p.kind} in the ${p.area} called the ${p.name} offers ${p.food} food and is ${p.price}.`,
];

const NEAR: ((p: Place) => string)[] = [
  (p) => `It is near the ${p.near}.`,
  (p) => `You will find it near the ${p.near}.`,
  (p) => `Look for it near the ${p.near}.`,
];

const RATED: ((p: Place) => string)[] = [
  (p) => `It has ${p.rating} stars.`,
  (p) => `Guests give it ${p.rating} stars.`,
  (p) => `Its rating is ${p.rating} stars.`,
];

const NEAR_AND_RATED: ((p: Place) => string)[] = [
  (p) => `It is near the ${p.near} and has ${p.rating} stars.`,
  (p) => `It has ${p.rating} stars and lies near the ${p.near}.`,
  (p) => `Guests give it ${p.rating} stars, and you will find it near the ${p.near}.`,
];

/** One or two sentences that tell everything known of a place. */
export function description(random: Random, place: Place): string[] {
  const opening = pick(random, OPENINGS)(place);
  const rest = place.near && place.rating ? NEAR_AND_RATED : place.near ? NEAR : place.rating ? RATED : undefined;
  return rest ? [opening, pick(random, rest)(place)] : [opening];
}

const FACTS: ((p: Place) => string)[] = [
  (p) => `Many people like the ${p.price} ${p.food} food at this ${p.kind}.`,
  (p) => `The food at the ${p.name} is ${p.food} and ${p.price}.`,
  (p) => `If you want ${p.food} food in the ${p.area}, go to this ${p.price} ${p.kind}.`,
  (p) => `The ${p.name} is not the only ${p.food} ${p.kind} in the ${p.area}, but it is ${p.price}.`,
  (p) => `Everyone in the ${p.area} knows the ${p.food} ${p.kind}.`,
  (p) => `${capital(withArticle(p.kind))} with ${p.food} food can be ${p.price}, and so is the ${p.name}.`,
];

/** One sentence that tells some facts, a landmark or rating included where it is known. */
export function fact(random: Random, place: Place): string {
  const known = [
    ...FACTS,
    ...(place.near
      ? [
          (p: Place) => `The ${p.name} stands near the ${p.near}.`,
          (p: Place) => `From the ${p.near} you can see the ${p.name}.`,
        ]
      : []),
    ...(place.rating
      ? [
          (p: Place) => `The ${p.name} has ${p.rating} stars.`,
          (p: Place) => `They gave ${p.rating} stars to the ${p.name}.`,
        ]
      : []),
  ];
  return pick(random, known)(place);
}

export const PEOPLE = ['Mara', 'Tom', 'Lena', 'Ravi', 'Ines', 'Jonas', 'Ada', 'Noor'];
const DAYS = ['Monday', 'Tuesday', 'Friday', 'Saturday', 'Sunday'];
const DISHES = ['soup', 'bread', 'noodles', 'rice', 'tea', 'cake', 'fish', 'beans'];

const MIDDLES: ((who: string, dish: string, p: Place) => string)[] = [
  (who, dish, p) => `${who} ordered ${p.food} ${dish} and sat by the window.`,
  (who, dish) => `The ${dish} was warm, and ${who} ate slowly.`,
  (who, dish, p) => `${who} likes the ${dish} at the ${p.name}.`,
  (who) => `It began to rain, so ${who} stayed until the evening.`,
  (who, _dish, p) => `A friend of ${who} works at this ${p.kind}.`,
];

const ENDINGS: ((who: string, dish: string, p: Place) => string)[] = [
  (who, _dish, p) => `After that ${who} went home from the ${p.name}.`,
  (who, dish) => `At last ${who} paid for the ${dish} and said thank you.`,
  (who, _dish, p) => `"I will come back to the ${p.area}," said ${who}.`,
  (who, _dish, p) => `${who} told everyone that the ${p.kind} is ${p.price}.`,
];

/** A visit to a place in four sentences. */
export function story(random: Random, place: Place): string[] {
  const who = pick(random, PEOPLE);
  const dish = pick(random, DISHES);
  const middles = random.shuffle([...MIDDLES]).slice(0, 2);
  return [
    `On ${pick(random, DAYS)} ${who} walked to the ${place.name}, ${withArticle(place.kind)} in the ${place.area}.`,
    ...middles.map((middle) => middle(who, dish, place)),
    pick(random, ENDINGS)(who, dish, place),
  ];
}
