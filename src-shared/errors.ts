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

/** Any thrown value as error data; unknown errors get the code INTERNAL and keep their message. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof GraftError) return error.toData();
  const system = systemErrorSentence(error);
  if (system) return system;
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
