/** The end of a long log: which tests failed, and with what. */
import { describe, expect, it } from 'vitest';
import { failureText, journeyFailures, lastLines, unitFailures } from './lib/failures.mjs';

describe('what failed', () => {
  it('names a unit test with the first lines of its message, and a file that did not load', () => {
    const told = unitFailures(
      {
        testResults: [
          { name: '/app/a.test.ts', status: 'passed', assertionResults: [{ fullName: 'fine', status: 'passed' }] },
          {
            name: '/app/b.test.ts',
            status: 'failed',
            assertionResults: [
              { fullName: 'fine', status: 'passed' },
              {
                fullName: 'sums up',
                status: 'failed',
                failureMessages: ['\u001b[31mexpected 3\u001b[39m\n\n to be 4'],
              },
            ],
          },
          { name: '/app/c.test.ts', status: 'failed', message: 'No such module', assertionResults: [] },
        ],
      },
      '/app',
    );
    expect(told).toEqual(['b.test.ts: sums up\n    expected 3\n     to be 4', 'c.test.ts\n    No such module']);
  });

  it('names a journey inside its describe, and an error outside the tests', () => {
    const results = [{ error: { message: 'Timed out' } }];
    const spec = { file: 'x.spec.ts', title: 'goes on', ok: false, tests: [{ results }] };
    expect(journeyFailures({ suites: [{ suites: [{ specs: [spec] }] }], errors: [{ message: 'No browser' }] })).toEqual(
      ['e2e/x.spec.ts: goes on\n    Timed out', 'outside the tests\n    No browser'],
    );
  });

  it('gives the last lines of what has no report, and says how many are left out', () => {
    expect(lastLines(['a\n\n', 'b\n\u001b[0m\n'])).toEqual(['a', 'b']);
    const many = Array.from({ length: 25 }, (_, i) => `t${i}`);
    expect(failureText('unit', many).split('\n')).toHaveLength(22);
    expect(failureText('unit', many)).toMatch(/and 5 more$/);
  });
});
