/** Failures in the shape of OpenAI's API, which its clients turn into errors of their own classes. */
import { type GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';

export interface Refusal {
  status: number;
  body: { error: { message: string; type: string; param: string | null; code: string | null } };
  retryAfterS?: number | undefined;
}

type ErrorType = 'invalid_request_error' | 'rate_limit_error' | 'server_error';

/** By Graft's own code: status, and what OpenAI calls it. */
const KNOWN: Record<string, { status: number; code?: string; param?: string }> = {
  SERVING_NO_TASK: { status: 404, code: 'model_not_found', param: 'model' },
  SERVING_OTHER_BASE: { status: 404, code: 'model_not_found', param: 'model' },
  PROMPT_TOO_LONG: { status: 400, code: 'context_length_exceeded' },
  EMPTY_PROMPT: { status: 400, code: 'empty_prompt' },
  TOKEN_OUTSIDE: { status: 400, code: 'invalid_token' },
  CHAT_TEMPLATE: { status: 400, code: 'invalid_messages' },
  ADAPTER_CLASSIFIES: { status: 400, code: 'model_not_found', param: 'model' },
  GRAMMAR_MISSING: { status: 400, code: 'not_supported', param: 'response_format' },
  GRAMMAR_REFUSED: { status: 400, code: 'invalid_schema', param: 'response_format' },
  LIKELIHOODS_MISSING: { status: 400, code: 'not_supported', param: 'logprobs' },
  SERVING_BUSY: { status: 429, code: 'queue_full' },
  SERVING_CRASHED: { status: 503, code: 'model_gone' },
  CATALOG_AWAY: { status: 503, code: 'catalog_away' },
  WORKER_CRASHED: { status: 503, code: 'model_gone' },
  OUT_OF_MEMORY: { status: 503, code: 'out_of_memory' },
  GPU_OUT_OF_MEMORY: { status: 503, code: 'out_of_memory' },
  CANCELLED: { status: 503, code: 'stopped' },
};

/** A request that is wrong in itself; `param` names the field. */
export function badRequest(
  message: string,
  param: string | null,
  code: string | null = null,
  status = 400,
): GraftError {
  return usageError('BAD_INPUT', message, { openai: { status, param, code } });
}

export function refusalOf(error: unknown): Refusal {
  const { code, message, details = {} } = toErrorData(error);
  const own = details['openai'] as { status: number; param: string | null; code: string | null } | undefined;
  const known = own ?? KNOWN[code] ?? { status: 500, code: code.toLowerCase() };
  const retryAfterS = details['retryAfterS'];
  return {
    status: known.status,
    body: { error: { message, type: typeOf(known.status), param: known.param ?? null, code: known.code ?? null } },
    ...(typeof retryAfterS === 'number' ? { retryAfterS } : {}),
  };
}

function typeOf(status: number): ErrorType {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
