/** The tables of `npm test -- --times`: how long each stage took, and the files that took longest. */

const MOST_FILES = 15;

/**
 * @typedef {{ name: string, ms: number }} Time
 * @typedef {{ testResults?: { name: string, startTime: number, endTime: number }[] }} VitestTimes
 * @typedef {{ tests: { results: { duration: number }[] }[] }} Spec
 * @typedef {{ file?: string, title: string, suites?: Suite[], specs?: Spec[] }} Suite
 * @typedef {{ suites?: Suite[] }} PlaywrightTimes
 */

/** Files of a Vitest report, slowest first. @param {VitestTimes} report @param {string} root @returns {Time[]} */
export function unitTimes({ testResults = [] }, root) {
  const times = testResults.map(({ name, startTime, endTime }) => ({
    name: name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name,
    ms: endTime - startTime,
  }));
  return slowestFirst(times);
}

/** Specs of a Playwright report, slowest first. @param {PlaywrightTimes} report @returns {Time[]} */
export function journeyTimes({ suites = [] }) {
  return slowestFirst(suites.map((suite) => ({ name: `e2e/${suite.file ?? suite.title}`, ms: msOf(suite) })));
}

/** @param {Suite} suite @returns {number} */
function msOf({ suites = [], specs = [] }) {
  const results = specs.flatMap(({ tests }) => tests.flatMap((test) => test.results));
  return total(results.map(({ duration }) => duration)) + total(suites.map(msOf));
}

/** @param {number[]} values */
function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

/** @param {Time[]} times */
function slowestFirst(times) {
  return times.sort((a, b) => b.ms - a.ms);
}

/** A Markdown table, as docs/testing.md has it. @param {string} title @param {Time[]} times */
export function timesTable(title, times) {
  const rows = times.slice(0, MOST_FILES).map(({ name, ms }) => `| ${name} | ${(ms / 1000).toFixed(1)} |`);
  return [`| ${title} | seconds |`, '| --- | ---: |', ...rows].join('\n');
}
