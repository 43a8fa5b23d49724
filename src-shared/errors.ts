/**
 * The one error class of Graft, and errors as the plain data that crosses processes and lies in the catalogue.
 *
 * A message is one clear sentence for the user, in three parts: what is wrong, where (file, line, tensor, setting, with
 * the value that was met), and after a semicolon what to do about it: `{file} has no column "question" to use as
 * prompt; its columns are: a, b.` It ends with a full stop and names no function or class of Graft. What a program
 * needs of it stands in `details`.
 */
import type { ErrorCode } from './errorCodes.ts';

declare const otherVersion: unique symbol;
/**
 * A code that a row or a process of another version of Graft wrote, and that this version may not know. Nothing makes
 * one: it comes out of JSON. So a code that is in no list does not compile, and one that was read is no lie.
 */
type OtherErrorCode = string & { readonly [otherVersion]: true };

export interface ErrorData {
  code: ErrorCode | OtherErrorCode;
  message: string;
  /** Machine-readable facts, for example `{ file, line, got, want }`. */
  details?: Record<string, unknown>;
  /** 'usage' is a mistake in the request (CLI exit code 2), 'failure' everything else (exit code 1). */
  kind?: 'usage' | 'failure';
}

export class GraftError extends Error {
  readonly code: ErrorData['code'];
  readonly details: Record<string, unknown>;
  readonly kind: 'usage' | 'failure';

  constructor(
    code: ErrorData['code'],
    message: string,
    details: Record<string, unknown> = {},
    options: { kind?: 'usage' | 'failure'; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    // @wc-ignore
    this.name = 'GraftError';
    this.code = code;
    this.details = details;
    this.kind = options.kind ?? 'failure';
  }

  toData(): ErrorData {
    return { code: this.code, message: this.message, details: this.details, kind: this.kind };
  }

  static fromData(data: ErrorData): GraftError {
    return new GraftError(data.code, data.message, data.details ?? {}, { kind: data.kind ?? 'failure' });
  }
}

/** A mistake in what the caller asked for (CLI exit code 2). */
export function usageError(code: ErrorCode, message: string, details: Record<string, unknown> = {}): GraftError {
  return new GraftError(code, message, details, { kind: 'usage' });
}

/** Any thrown value as error data; what JavaScript or SQLite says of a fault of Graft's own is in `details`. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof GraftError) return error.toData();
  const known = systemErrorSentence(error) ?? catalogErrorSentence(error) ?? engineErrorSentence(error);
  if (known) return known;
  if (error instanceof Error) return { code: 'INTERNAL', message: error.message, details: { stack: error.stack } };
  return { code: 'INTERNAL', message: String(error) };
}

/** Node's file-system errors as one sentence with a way out; undefined for every other error. */
function systemErrorSentence(error: unknown): ErrorData | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'the target';
  const details = { path, errno: error.code };
  switch (error.code) {
    case 'ENOSPC':
    // A quota, or a limit on the size of one file (FAT32 takes 4 GiB): for the user the same.
    case 'EDQUOT':
    case 'EFBIG':
      return {
        code: 'DISK_FULL',
        message: `The disk is full while writing ${path}; free some space or choose another folder.`,
        details,
      };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return {
        code: 'NOT_ALLOWED',
        message:
          `${path} cannot be opened or written with your rights; ` + 'choose another folder or change its permissions.',
        details,
      };
    case 'EMFILE':
    case 'ENFILE':
      return {
        code: 'TOO_MANY_FILES',
        message:
          `${path} cannot be opened, since too many files are open at once; close other programs or raise the limit ` +
          '(ulimit -n), then try again.',
        details,
      };
    case 'EISDIR':
      return { code: 'BAD_INPUT', message: `${path} is a folder, not a file; name the file in it.`, details };
    case 'ENAMETOOLONG':
    case 'ELOOP':
    case 'EINVAL':
      return {
        code: 'NOT_FOUND',
        message: `${path} is no path that this system takes (${error.code}); check it, and links on its way.`,
        details,
      };
    case 'EIO':
    case 'ENXIO':
    case 'ESTALE':
    case 'EBUSY':
    case 'ETXTBSY':
      return {
        code: 'IO_ERROR',
        message:
          `${path} cannot be read or written now (${error.code}); check its disk, and that no other program holds ` +
          'it, then try again.',
        details,
      };
    case 'ENOENT':
      return { code: 'NOT_FOUND', message: `${path} does not exist; check the path.`, details };
    case 'ENOTDIR':
      return {
        code: 'NOT_A_FOLDER',
        message: `${path} lies below something that is not a folder; check the path.`,
        details,
      };
    default:
      return undefined;
  }
}

/** SQLite's errors, told by their codes: what the user can do is the same for all statements. */
function catalogErrorSentence(error: unknown): ErrorData | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const sqlite = error.code;
  if (!sqlite.startsWith('SQLITE_')) return undefined;
  const details = { sqlite, cause: error.message };
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(sqlite))
    return {
      code: 'CATALOG_AWAY',
      message:
        'This was not done, since another program, such as a second Graft or a backup, holds the catalogue (graft.db ' +
        'in the data folder); close that program or wait until it is ready, then try again. Nothing is lost.',
      details,
    };
  if (/^SQLITE_(FULL|IOERR)/.test(sqlite))
    return {
      code: 'DISK_FULL',
      message:
        'The catalogue (graft.db in the data folder) cannot be written, since its disk is full or failing; free some ' +
        'space there and try again.',
      details,
    };
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(sqlite))
    return {
      code: 'CATALOG_BROKEN',
      message:
        'The catalogue (graft.db in the data folder) is damaged; close Graft, restore the file from a backup or move ' +
        'it away to start a new one. Runs and adapters stay in their folders.',
      details,
    };
  if (/^SQLITE_(READONLY|PERM|AUTH|CANTOPEN)/.test(sqlite))
    return {
      code: 'NOT_ALLOWED',
      message:
        'The catalogue (graft.db in the data folder) cannot be opened or written; check the permissions of the data ' +
        'folder and the number of open files.',
      details,
    };
  return ownFault(error);
}

/** The first line of a stack that lies in Graft's own files. */
const OWN_PLACE = /^ +at (?!.*node_modules).*?([\w.-]+\.[cm]?[jt]s):(\d+):\d+\)?$/m;

/** What JavaScript itself throws when something is too large, or when Graft has a fault. */
function engineErrorSentence(error: unknown): ErrorData | undefined {
  if (!(error instanceof Error)) return undefined;
  const details = { stack: error.stack };
  if (error.message === 'Invalid string length' || Reflect.get(error, 'code') === 'ERR_STRING_TOO_LONG')
    return {
      code: 'TEXT_TOO_LONG',
      message: 'A text in this file is longer than the 512 MiB that a program can hold at once; split the file.',
      details,
    };
  if (/^(Array buffer allocation failed|Invalid (typed )?array (buffer )?length)/.test(error.message))
    return {
      code: 'OUT_OF_MEMORY',
      message: 'This needs more memory than the machine gives a program; close other programs or take a smaller input.',
      details,
    };
  return /^(Type|Reference|Range)Error$/.test(error.name) ? ownFault(error) : undefined;
}

function ownFault({ message, stack }: Error): ErrorData {
  const [, file, line] = OWN_PLACE.exec(stack ?? '') ?? [];
  const where = file === undefined ? '' : ` (${file}, line ${line})`;
  return {
    code: 'INTERNAL',
    message:
      `Graft met a fault of its own${where}; try again, and report this sentence with what you did and the file ` +
      'that you used.',
    details: { cause: message, stack },
  };
}
