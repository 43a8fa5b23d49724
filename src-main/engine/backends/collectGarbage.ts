/** V8's garbage collector, called by name: some twenty milliseconds for what can be hundreds of megabytes. */
import v8 from 'node:v8';
import vm from 'node:vm';

/** Bytes of arrays for which it is worth it. */
export const WORTH_COLLECTING = 64 * 2 ** 20;

/** Node offers it only behind a flag, but the flag can be set while Node runs. */
export function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc') as () => void;
  gc();
}
