/** tRPC as Graft uses it: every failure reaches the caller as ErrorData in `data.graft`, with a fitting HTTP status. */
import { initTRPC, TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { GraftError, toErrorData } from '../../src-shared/errors.ts';
import type { ErrorData } from '../../src-shared/errors.ts';

/** What a host knows of a request. */
export interface RequestContext {
  /** Told each error that nobody expected; `where`: the procedure. */
  onFault?: (error: unknown, where: string) => void;
}

const t = initTRPC.context<RequestContext>().create({
  errorFormatter: ({ shape, error }) => {
    const graft = errorDataOf(error);
    const { code, httpStatus, path } = shape.data;
    return { ...shape, message: graft.message, data: { code, httpStatus, path, graft } };
  },
});

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

export const procedure = t.procedure.use(async ({ next, ctx, path }) => {
  const result = await next();
  if (!result.ok && errorDataOf(result.error).code === 'INTERNAL')
    ctx.onFault?.(result.error.cause ?? result.error, path);
  if (result.ok || !(result.error.cause instanceof GraftError)) return result;
  const cause = result.error.cause;
  const code = cause.code.endsWith('NOT_FOUND')
    ? 'NOT_FOUND'
    : cause.kind === 'usage'
      ? 'BAD_REQUEST'
      : 'UNPROCESSABLE_CONTENT';
  throw new TRPCError({ code, message: cause.message, cause });
});

/** The facts of any error that came through the router, or through a caller made from it. */
export function errorDataOf(error: unknown): ErrorData {
  const cause = error instanceof TRPCError && error.cause ? error.cause : error;
  if (cause instanceof ZodError) return badInput(cause);
  const data = toErrorData(cause);
  if (data.code !== 'INTERNAL') return data;
  // Where in Graft's own source it happened is for the log, not for the page.
  return { code: data.code, message: data.message, kind: 'failure' };
}

function badInput(error: ZodError): ErrorData {
  const issue = error.issues[0];
  const where = issue?.path.map(String).join('.') || 'the request';
  return {
    code: 'BAD_INPUT',
    message: `${where}: ${issue?.message ?? 'not valid'}; correct this value.`,
    details: { issues: error.issues },
    kind: 'usage',
  };
}
