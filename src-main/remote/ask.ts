/** Asking an agent, here or elsewhere. */
import type { Operations } from './agent/operations.ts';

type Args<K extends keyof Operations> = Parameters<Operations[K]>[0];
type Answer<K extends keyof Operations> = Awaited<ReturnType<Operations[K]>>;

/** Asks an agent. `deadlineMs`: for what may take longer than a moment. Throws GraftError. */
export type Ask = <K extends keyof Operations>(op: K, args: Args<K>, deadlineMs?: number) => Promise<Answer<K>>;
