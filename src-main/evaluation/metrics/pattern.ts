/** Answers against a pattern that a user types. Patterns are RE2's, whose time is bounded on any text. */
import { RE2JS } from 're2js';
import { usageError } from '../../../src-shared/errors.ts';

const MOST_CHARS = 3000;

export type PatternMetric = (answer: string, references: readonly string[]) => number;

/**
 * Without a group: 1 where the pattern is found in the answer. With one: 1 where what the first group holds in the
 * answer is what it holds in a reference, or is the reference. Throws a usage error BAD_INPUT for what is no pattern.
 */
export function patternMetric(source: string): PatternMetric {
  const pattern = compiled(source);
  if (pattern.groupCount() === 0) return (answer) => (pattern.matcher(answer).find() ? 1 : 0);
  const extract = (text: string): string | null => {
    const matcher = pattern.matcher(text);
    return matcher.find() ? (matcher.group(1)?.trim() ?? null) : null;
  };
  return (answer, references) => {
    const found = extract(answer);
    if (found === null) return 0;
    return references.some((reference) => (extract(reference) ?? reference.trim()) === found) ? 1 : 0;
  };
}

function compiled(source: string): RE2JS {
  const why = source.length > MOST_CHARS ? `is longer than ${MOST_CHARS} characters` : undefined;
  try {
    if (why === undefined) return RE2JS.compile(source);
  } catch (error) {
    throw bad(`is none: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw bad(why);
}

function bad(why: string): Error {
  return usageError('BAD_INPUT', `The pattern for answers ${why}; write it as RE2 has them (no lookahead).`);
}
