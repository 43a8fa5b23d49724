/** What may stand in a script that a person will read, and that a shell will run. */
import { usageError } from '../../../src-shared/errors.ts';

const COMMENT_LENGTH = 120;

/** Any text as the end of a comment: one line of letters that can be seen. */
export const inComment = (text: string): string =>
  text
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, COMMENT_LENGTH);

/** A file of the job's folder, by its path from there. Throws GraftError BAD_INPUT. */
export function plainFile(file: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(file) && !file.split('/').includes('..')) return file;
  throw usageError(
    'BAD_INPUT',
    `A script cannot name the file ${JSON.stringify(file)}; take a path inside the job's folder, of letters, digits ` +
      'and the characters _ . / -.',
    { file },
  );
}

export function wholeNumber(value: number): string {
  if (Number.isInteger(value) && value > 0) return String(value);
  throw usageError('BAD_INPUT', `A script needs a whole number above 0, not ${value}; correct it.`, { value });
}
