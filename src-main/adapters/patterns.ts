/**
 * Patterns of adapter_config.json, which PEFT matches with Python's re. Others wrote them, so they run in linear time
 * (RE2); what RE2 cannot express, such as look-ahead, runs under a deadline.
 */
import { RE2JS } from 're2js';
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import { withDeadline } from '../files/deadline.ts';

/** Whether a module path matches. */
type Matcher = (path: string) => boolean;

/** A thousand times what a module path takes. */
const DEADLINE_MS = 200;
/** Ten times what the longest in use have; the time of a match grows with it. */
const MOST_CHARACTERS = 3000;

/** As Python's `re.fullmatch(pattern, path)`. Throws PEFT_CONFIG. */
export function fullMatcher(file: string, pattern: string): Matcher {
  return matcherOf(file, pattern, `^(?:${pattern})$`);
}

/** As PEFT looks rank_pattern and alpha_pattern up: the pattern is the end of the path, from a dot on. */
export function endMatcher(file: string, pattern: string): Matcher {
  if (LITERAL.test(pattern)) return (path) => endsWithLiteral(path, pattern);
  return matcherOf(file, pattern, `^(.*\\.)?(${pattern})$`);
}

/** Names and paths, as nearly all patterns are. A dot stands for any character. */
export const LITERAL = /^[\w.]+$/;

function endsWithLiteral(path: string, literal: string): boolean {
  const start = path.length - literal.length;
  if (start < 0 || (start > 0 && path[start - 1] !== '.')) return false;
  for (let i = 0; i < literal.length; i++) if (literal[i] !== '.' && literal[i] !== path[start + i]) return false;
  return true;
}

function matcherOf(file: string, pattern: string, source: string): Matcher {
  if (pattern.length > MOST_CHARACTERS) throw badPattern(file, pattern, `has ${pattern.length} characters`);
  try {
    const linear = RE2JS.compile(source);
    return (path) => linear.matcher(path).find();
  } catch {
    // RE2 does not know look-around and back-references; Python and JavaScript do.
  }
  let native: RegExp;
  try {
    native = new RegExp(source);
  } catch {
    throw badPattern(file, pattern, 'is not a valid regular expression');
  }
  return (path) =>
    withDeadline(
      () => native.test(path),
      DEADLINE_MS,
      () => badPattern(file, pattern, 'takes endless time to match'),
    );
}

function badPattern(file: string, pattern: string, problem: string): GraftError {
  return new GraftError('PEFT_CONFIG', `${file}: the pattern ${shownValue(pattern)} ${problem}; correct it.`, {
    file,
    pattern: pattern.slice(0, MOST_CHARACTERS),
  });
}
