/** What an agent says of a failure, as an error of Graft. */
import { GraftError, toErrorData } from '../../src-shared/errors.ts';
import type { AgentError } from './agent/errorData.ts';

/** `where`: begins the sentence where it is not this machine. */
export function graftErrorOf(error: AgentError, where?: string): GraftError {
  const data = error.refusal
    ? { code: error.code as GraftError['code'], message: error.message, details: {} }
    : toErrorData(Object.assign(new Error(error.message), { code: error.code, path: error.path }));
  const message = where === undefined ? data.message : `On ${where}: ${data.message}`;
  return new GraftError(data.code, message, { ...data.details, ...(where === undefined ? {} : { machine: where }) });
}
