/** Errors as data that crosses the wire. */
import { Refusal } from './paths.ts';

export interface AgentError {
  code: string;
  message: string;
  path?: string | undefined;
  /** The sentence is the agent's own, not the system's. */
  refusal: boolean;
}

export function errorData(error: unknown): AgentError {
  if (error instanceof Refusal) return { code: error.code, message: error.message, refusal: true };
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error), refusal: false };
  const field = (name: string) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? value : undefined;
  };
  return { code: field('code') ?? 'INTERNAL', message: error.message, path: field('path'), refusal: false };
}
