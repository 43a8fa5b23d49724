/** Turns file-system errors into GraftErrors that name the file or folder the user asked for. */
import { GraftError, toErrorData } from '../../src-shared/errors.ts';

/** A path inside a temporary file or folder of writeWhole.ts. */
const TEMPORARY = /(^|[\\/])\.[^\\/]+\.partial([\\/]|$)/;

/**
 * A failed system call as a GraftError. It is about `target` where the call carried no path (writes), or one inside a
 * temporary folder, which the user never saw; otherwise about the call's own path. Other values are returned as they
 * are.
 */
export function systemErrorAbout(error: unknown, target: string): unknown {
  const call = systemCall(error);
  if (!call) return error;
  const path = call.path === undefined || TEMPORARY.test(call.path) ? target : call.path;
  const data = toErrorData(Object.assign(new Error(call.message), { code: call.errno, path }));
  if (data.code === 'INTERNAL') return error;
  return new GraftError(data.code, data.message, data.details, { cause: error });
}

/** What failed, from Node's own error or from a GraftError that an inner writer made of one. */
function systemCall(error: unknown): { errno: string; path?: string; message: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errno, path } =
    error instanceof GraftError
      ? error.details
      : { errno: Reflect.get(error, 'code'), path: Reflect.get(error, 'path') };
  if (typeof errno !== 'string') return undefined;
  return { errno, message: error.message, ...(typeof path === 'string' ? { path } : {}) };
}
