/**
 * Stands for vitest in the bundle for GPU machines: as much of it as the suites of the kernels use. `runTests` runs
 * what they have registered, one after the other.
 */
import { isDeepStrictEqual } from 'node:util';

interface Test {
  name: string;
  run: () => unknown;
}

export interface TestFailure {
  test: string;
  message: string;
}

const tests: Test[] = [];
const path: string[] = [];
let current = '';

type Body = (...args: never[]) => unknown;

function add(name: string, run: () => unknown): void {
  tests.push({ name: [...path, name].join(' > '), run });
}

export const it = Object.assign((name: string, run: () => unknown) => add(name, run), {
  skip: () => undefined,
  each:
    (cases: readonly unknown[]) =>
    (name: string, run: Body): void => {
      for (const one of cases) {
        const args = (Array.isArray(one) ? one : [one]) as never[];
        add(titled(name, args), () => run(...args));
      }
    },
});

export const describe = Object.assign(within, {
  skipIf: (skip: boolean) => (skip ? () => undefined : within),
});

function within(name: string, ...rest: unknown[]): void {
  path.push(name);
  (rest.find((one) => typeof one === 'function') as () => void)(); // options may come before it
  path.pop();
}

/** `%s`, `%i` and `$field` in a test's name. */
function titled(name: string, args: unknown[]): string {
  let next = 0;
  return name
    .replaceAll(/%[a-z]/g, () => String(args[next++]))
    .replaceAll(/\$(\w+)/g, (_, field: string) => String((args[0] as Record<string, unknown>)[field]));
}

function check(passed: boolean, got: unknown, how: string, want: unknown): void {
  if (!passed) throw new Error(`${String(got)} ${how} ${String(want)}`);
}

export const expect = Object.assign(
  (got: unknown, what = '') => ({
    toBe: (want: unknown) => check(Object.is(got, want), `${what} ${String(got)}`, 'is not', want),
    toEqual: (want: unknown) => check(isDeepStrictEqual(got, want), `${what} ${String(got)}`, 'does not equal', want),
    toBeDefined: () => check(got !== undefined, what, 'is', 'undefined'),
    toBeLessThan: (want: number) => check((got as number) < want, `${what} ${String(got)}`, 'is not below', want),
    toBeCloseTo: (want: number, digits: number) =>
      check(Math.abs((got as number) - want) < 0.5 * 10 ** -digits, `${what} ${String(got)}`, 'is not near', want),
  }),
  { getState: () => ({ currentTestName: current }) },
);

/** `every`: 1 for all, n for each nth. */
export async function runTests(every: number): Promise<{ tests: number; failures: TestFailure[] }> {
  const failures: TestFailure[] = [];
  const chosen = tests.filter((_, i) => i % every === 0);
  for (const { name, run } of chosen) {
    current = name;
    try {
      await run();
    } catch (error) {
      failures.push({ test: name, message: error instanceof Error ? error.message.slice(0, 500) : String(error) });
    }
  }
  return { tests: chosen.length, failures };
}
