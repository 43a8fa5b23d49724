/**
 * While a promise of Dawn's is open, its Node binding asks the device on every turn of the event loop, by the global
 * `setImmediate`: this thread spins. On a software device that takes a core from the threads that compute.
 */

const POLL_MS = 1;
const NATIVE = 'function () { [native code] }';

/** Lets Dawn ask once a millisecond. Whoever else calls `setImmediate` gets what it gives. */
export function slowDownPolling(): void {
  const immediate = globalThis.setImmediate;
  if (isSlow in immediate) return;
  const slow = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown =>
    isNativeConstructor(callback) ? setTimeout(callback, POLL_MS, ...args) : immediate(callback, ...args);
  Object.defineProperties(slow, Object.getOwnPropertyDescriptors(immediate));
  globalThis.setImmediate = Object.assign(slow, { [isSlow]: true }) as unknown as typeof setImmediate;
}

const isSlow = Symbol('polls slowly');

/**
 * Functions that native code makes have a prototype; those of the language without a name (bound ones, the two that
 * settle a promise) have none.
 */
function isNativeConstructor(callback: object): boolean {
  return Object.hasOwn(callback, 'prototype') && Function.prototype.toString.call(callback) === NATIVE;
}
