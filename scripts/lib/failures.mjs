/** What failed, told once more at the end of `npm test`, where the last screen of a long log begins. */

const MOST_TOLD = 20;
const MOST_LINES = 30;
const ANSI = /\u001b\[[\d;]*m/g;

/**
 * @typedef {{ fullName: string, status: string, failureMessages?: string[] | null }} UnitTest
 * @typedef {{ testResults?: { name: string, status: string, message?: string, assertionResults: UnitTest[] }[] }}
 * UnitReport
 * @typedef {{ error?: { message?: string }, status?: string }} JourneyResult
 * @typedef {{ title: string, ok: boolean, file?: string, tests: { results: JourneyResult[] }[] }} Spec
 * @typedef {{ suites?: Suite[], specs?: Spec[] }} Suite
 * @typedef {{ suites?: Suite[], errors?: { message?: string }[] }} JourneyReport
 */

/** @param {UnitReport} report @param {string} root @returns {string[]} */
export function unitFailures({ testResults = [] }, root) {
  return testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, message, assertionResults }) => {
      const file = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name;
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      if (failed.length === 0) return [told(file, message)];
      return failed.map((test) => told(`${file}: ${test.fullName}`, test.failureMessages?.[0]));
    });
}

/** @param {JourneyReport} report @returns {string[]} */
export function journeyFailures({ suites = [], errors = [] }) {
  return [...suites.flatMap(failedIn), ...errors.map(({ message }) => told('outside the tests', message))];
}

/** @param {Suite} suite @returns {string[]} */
function failedIn({ suites = [], specs = [] }) {
  const failed = specs
    .filter(({ ok }) => !ok)
    .map(({ file, title, tests }) => {
      const results = tests.flatMap((test) => test.results);
      return told(`e2e/${file ?? '?'}: ${title}`, results.find(({ error }) => error)?.error?.message);
    });
  return [...failed, ...suites.flatMap(failedIn)];
}

/** The last lines of a stage that reports no single tests. @param {string[]} texts @returns {string[]} */
export function lastLines(texts) {
  const lines = texts.join('').split('\n');
  return lines.filter((line) => line.replaceAll(ANSI, '').trim() !== '').slice(-MOST_LINES);
}

/** @param {string} stage @param {string[]} failures @returns {string} */
export function failureText(stage, failures) {
  const more = failures.length > MOST_TOLD ? [`and ${failures.length - MOST_TOLD} more`] : [];
  const shown = more.length > 0 ? failures.slice(0, MOST_TOLD) : failures;
  return [`failed in ${stage}:`, ...[...shown, ...more].map((text) => `  ${text}`)].join('\n');
}

/** @param {string} what @param {string | undefined} message */
function told(what, message = '') {
  const lines = message.replaceAll(ANSI, '').split('\n');
  const said = lines.filter((line) => line.trim() !== '').slice(0, 8);
  return [what, ...said.map((line) => `    ${line.slice(0, 300)}`)].join('\n');
}
