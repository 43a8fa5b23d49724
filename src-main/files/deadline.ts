/** Ends work that other people's patterns or templates make endless, in the middle of its loop. */
import vm from 'node:vm';

let current: () => void = () => undefined;
const context = vm.createContext({ run: () => current() });
const script = new vm.Script('run()');

/**
 * What `work` gives, or `late` thrown once it has taken `deadlineMs`. `work` must not wait for anything, and must leave
 * nothing behind that a break in its middle would harm. A call costs a few tenths of a millisecond, since it starts a
 * watch.
 */
export function withDeadline<T>(work: () => T, deadlineMs: number, late: () => Error): T {
  const outer = current;
  const done: { value?: T } = {};
  current = () => void (done.value = work());
  try {
    script.runInContext(context, { timeout: deadlineMs });
    return done.value as T;
  } catch (error) {
    // Of the context's own Error, not of ours.
    const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
    throw code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? late() : error;
  } finally {
    current = outer;
  }
}
