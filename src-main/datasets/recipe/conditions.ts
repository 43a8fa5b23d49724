/** Which rows a filter keeps. Patterns are RE2's, so that none takes endless time on some text. */
import { RE2JS } from 're2js';
import { usageError } from '../../../src-shared/errors.ts';
import { numberIn, type Condition, type Recipe } from '../../../src-shared/recipes.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import { textOf, type Values } from './texts.ts';

type Test = (text: string) => boolean;

const MOST_PATTERN_CHARS = 3000;

/** Whether a row meets all, or any, of the conditions; without a condition each does. Throws BAD_INPUT. */
export function rowFilter({ join, conditions }: NonNullable<Recipe['filter']>): (values: Values) => boolean {
  const tests = conditions.map((condition) => ({ column: condition.column, test: testOf(condition) }));
  if (tests.length === 0) return () => true;
  const meets = (values: Values) => (one: (typeof tests)[number]) => one.test(textOf(values[one.column]));
  return join === 'all' ? (values) => tests.every(meets(values)) : (values) => tests.some(meets(values));
}

function testOf({ is, value }: Condition): Test {
  switch (is) {
    case 'is':
      return (text) => text === value;
    case 'isNot':
      return (text) => text !== value;
    case 'contains':
      return containing(value);
    case 'containsNot':
      return not(containing(value));
    case 'matches':
      return matching(value);
    case 'matchesNot':
      return not(matching(value));
    case 'empty':
      return isEmpty;
    case 'notEmpty':
      return not(isEmpty);
    case 'longerThan':
      return (text) => text.length > numberIn(value)!;
    case 'shorterThan':
      return (text) => text.length < numberIn(value)!;
    case 'greaterThan':
      return comparing((own) => own > numberIn(value)!);
    case 'lessThan':
      return comparing((own) => own < numberIn(value)!);
  }
}

const not =
  (test: Test): Test =>
  (text) =>
    !test(text);
const isEmpty: Test = (text) => text.trim() === '';

/** Upper and lower case alike, as the filter of a table. */
function containing(part: string): Test {
  const wanted = part.toLowerCase();
  return (text) => text.toLowerCase().includes(wanted);
}

/** A cell that is no number meets no comparison. */
function comparing(compare: (own: number) => boolean): Test {
  return (text) => {
    const own = numberIn(text);
    return own !== undefined && compare(own);
  };
}

function matching(pattern: string): Test {
  if (pattern.length > MOST_PATTERN_CHARS)
    throw usageError('BAD_INPUT', `A pattern has ${pattern.length} characters; take one of ${MOST_PATTERN_CHARS}.`);
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matcher(text).find();
  } catch (error) {
    throw usageError(
      'BAD_INPUT',
      `The pattern ${shownValue(pattern)} cannot be used (${(error as Error).message}); patterns are those of RE2, ` +
        'without look-around and back-references.',
      { pattern },
    );
  }
}
