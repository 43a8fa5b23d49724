/** Turns file-system errors into GraftErrors that name the file or folder the user asked for. */
import { GraftError, toErrorData } from '../errors.ts';

/**
 * A failed system call as a GraftError about `target`: errors of writes carry no path, and errors inside a temporary
 * folder carry a name the user never saw. Every other thrown value is returned as it is.
 */
export function systemErrorAbout(error: unknown, target: string): unknown {
  if (!(error instanceof Error) || error instanceof GraftError || !('code' in error)) return error;
  const data = toErrorData(Object.assign(new Error(error.message), { code: error.code, path: target }));
  if (data.code === 'INTERNAL') return error;
  return new GraftError(data.code, data.message, data.details, { cause: error });
}
