/** What is wrong with a document, in a sentence. */
import { GraftError } from '../../../src-shared/errors.ts';

/** What a document may hold as text. */
export const MOST_TEXT_BYTES = 2 ** 26;

export function brokenDocument(file: string, what: string, cause: unknown): GraftError {
  // What JavaScript itself throws is a fault that a library made of a broken file.
  const isSaid = cause instanceof Error && !/^(Type|Range|Reference|Syntax)Error$/.test(cause.name);
  const reason = isSaid ? ` (${cause.message.split('\n')[0]!.slice(0, 200).replace(/\.$/, '')})` : '';
  return new GraftError(
    'DATASET_BROKEN',
    `${file} cannot be read as ${what}${reason}; save it again, or save its text as .txt.`,
    { file },
    { cause },
  );
}

export function documentTooLarge(file: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `${file} holds more than a document may (256 MiB unpacked, 64 MiB of text); save it in smaller parts.`,
    { file },
  );
}

export function encryptedDocument(file: string): GraftError {
  return new GraftError(
    'DATASET_ENCRYPTED',
    `${file} is protected by a password; save a copy without it and choose that.`,
    { file },
  );
}

export function scannedDocument(file: string, pages: number): GraftError {
  const where = pages === 1 ? 'its page has no text' : `none of its ${pages} pages has text`;
  return new GraftError(
    'DATASET_NO_TEXT',
    `${file} holds pictures only, as scans do: ${where}; run text recognition (OCR) over it and choose the result.`,
    { file, pages },
  );
}

export function emptyDocument(file: string): GraftError {
  return new GraftError('DATASET_NO_TEXT', `${file} holds no text; choose another document.`, { file });
}

/** Its fonts do not say which letters they show. */
export function unreadableLetters(file: string): GraftError {
  return new GraftError(
    'DATASET_NO_TEXT',
    `The fonts of ${file} do not say which letters they show, so that its text cannot be read; run text recognition ` +
      '(OCR) over it and choose the result.',
    { file },
  );
}

/** What a document's elements may be nested in: the parser's own work grows with the square of it. */
const MOST_DEPTH = 5000;

/** Call with the depth of each element. Throws DATASET_BROKEN. */
export function checkDepth(file: string, depth: number): void {
  if (depth > MOST_DEPTH)
    throw new GraftError(
      'DATASET_BROKEN',
      `${file} nests its elements more than ${MOST_DEPTH} deep, which no document does; save its text as .txt.`,
      { file },
    );
}
