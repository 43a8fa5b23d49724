/** The agent's operations in this process, on this machine's own files. */
import { errorData } from './agent/errorData.ts';
import { operations } from './agent/operations.ts';
import { graftErrorOf } from './agentErrors.ts';
import type { Ask } from './ask.ts';

/** `env`: of the programs that are started. */
export function askHere(env: NodeJS.ProcessEnv): Ask {
  const asked = operations(env);
  return async (op, args) => {
    try {
      // The keys of both are the same, which TypeScript cannot follow through a union.
      return (await (asked[op] as (args: unknown) => Promise<never>)(args)) as never;
    } catch (error) {
      throw graftErrorOf(errorData(error));
    }
  };
}
