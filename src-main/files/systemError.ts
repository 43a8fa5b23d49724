/** Turns file-system errors into GraftErrors that name the file or folder the user asked for. */
import { GraftError, toErrorData } from '../../src-shared/errors.ts';
import { diskFullError, freeBytesAt } from './freeSpace.ts';

/** A path inside a temporary file or folder of writeWhole.ts. */
const TEMPORARY = /(^|[\\/])\.[^\\/]+\.partial([\\/]|$)/;

/**
 * A failed system call as a GraftError. It is about `target` where the call carried no path (writes), or one inside a
 * temporary folder, which the user never saw; otherwise about the call's own path. A full disk says how much is missing
 * where the writer knew how much it needs, as `neededBytes` or in the details of an inner writer's error. Other values
 * are returned as they are.
 */
export function systemErrorAbout(error: unknown, target: string, neededBytes?: number): unknown {
  const call = systemCall(error);
  if (!call) return error;
  const path = call.path === undefined || TEMPORARY.test(call.path) ? target : call.path;
  const data = toErrorData(Object.assign(new Error(call.message), { code: call.errno, path }));
  if (data.code === 'INTERNAL') return error;
  const needed = neededBytes ?? call.neededBytes;
  // As the inner writer met it: by now what stood beside it in the temporary folder may be gone.
  const free = call.freeBytes ?? freeBytesAt(path);
  if (data.code !== 'DISK_FULL' || needed === undefined || free === null || needed <= free)
    return new GraftError(data.code, data.message, data.details, { cause: error });
  const { code, message, details } = diskFullError(path, needed, free);
  return new GraftError(code, message, { ...data.details, ...details }, { cause: error });
}

interface SystemCall {
  errno: string;
  path?: string;
  neededBytes?: number;
  freeBytes?: number;
  message: string;
}

/** What failed, from Node's own error or from a GraftError that an inner writer made of one. */
function systemCall(error: unknown): SystemCall | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errno, path, neededBytes, freeBytes }: Record<string, unknown> =
    error instanceof GraftError
      ? error.details
      : { errno: Reflect.get(error, 'code'), path: Reflect.get(error, 'path') };
  if (typeof errno !== 'string') return undefined;
  return {
    errno,
    message: error.message,
    ...(typeof path === 'string' ? { path } : {}),
    ...(typeof neededBytes === 'number' ? { neededBytes } : {}),
    ...(typeof freeBytes === 'number' ? { freeBytes } : {}),
  };
}
