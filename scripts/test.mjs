/** `npm test`: sets up, then type check, lint, unit and integration tests in two lanes, then browser tests. */
import fs from 'node:fs';
import { parseTestArgs, STAGES } from './lib/args.mjs';
import { changedFiles } from './lib/changed.mjs';
import { closingLine, sum } from './lib/counts.mjs';
import { failureText, journeyFailures, lastLines, unitFailures } from './lib/failures.mjs';
import { root } from './lib/paths.mjs';
import { runMain, say, SetupError, withProgress } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';
import { JOURNEY_REPORT, prepareStages, stages, UNIT_REPORT } from './lib/stages.mjs';
import { setTestEnvironment } from './lib/testEnvironment.mjs';
import { journeyTimes, timesTable, unitTimes } from './lib/times.mjs';

const HELP = `npm test [-- [--only=STAGE,…] [--changed [REF]] [--times]]
  --only     some of the stages ${STAGES.join(', ')}
  --changed  what differs from REF (from the last commit, else what the last commit changed), and its tests
  --times    tables of how long the stages and the slowest files took`;

/**
 * Stages of a lane run one after another, beside those of the other lane; phases follow each other. Journeys have the
 * machine for themselves: they wait for pages, and unit tests fill a small machine with runs of many processes.
 */
const PHASES = [[['types', 'lint'], ['unit']], [['e2e']]];

/** @typedef {import('./lib/counts.mjs').Counts} Counts */

/**
 * The counts of one part; set-up that fails inside it is one failure, and the other parts still run.
 * @param {() => Promise<Counts>} part
 */
async function counted(part) {
  try {
    return await part();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/**
 * @param {string[]} names
 * @param {string[] | null} files
 */
async function runStages(names, files) {
  const phases = PHASES.map((lanes) =>
    lanes.map((lane) => lane.filter((name) => names.includes(name))).filter((lane) => lane.length > 0),
  );
  /** @type {import('./lib/times.mjs').Time[]} */
  const times = [];
  /** @type {string[]} */
  const failures = [];
  /** @param {string} name */
  const runStage = async (name) => {
    const startedAt = Date.now();
    /** @type {string[]} */
    const texts = [];
    const quiet = names.length > 1;
    say(`test stage: ${name}`);
    const plan = { files, quiet, print: (/** @type {string} */ text) => void texts.push(text) };
    const work = () => counted(() => /** @type {(typeof stages)[string]} */ (stages[name])(plan));
    const counts = await (quiet ? withProgress(name, work) : work());
    times.push({ name, ms: Date.now() - startedAt });
    process.stdout.write(texts.join(''));
    const told = counts.failed > 0 ? failuresOf(name, texts) : [];
    if (told.length > 0) failures.push(failureText(name, told));
    say(`${name}: ${closingLine(counts)} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
    return counts;
  };
  /** @param {string[]} lane */
  const runLane = async (lane) => {
    const counts = [];
    for (const name of lane) counts.push(await runStage(name));
    return sum(counts);
  };
  const counts = [];
  for (const lanes of phases) counts.push(...(await Promise.all(lanes.map(runLane))));
  return { counts: sum(counts), times, failures };
}

/** @param {string} name of a stage @param {string[]} texts what it printed */
function failuresOf(name, texts) {
  const told =
    name === 'unit'
      ? unitFailures(read(UNIT_REPORT), root)
      : name === 'e2e'
        ? journeyFailures(read(JOURNEY_REPORT))
        : [];
  return told.length > 0 ? told : lastLines(texts);
}

/** @param {string[]} names @param {import('./lib/times.mjs').Time[]} times */
function printTimes(names, times) {
  console.log(timesTable('Stage', times));
  if (names.includes('unit')) console.log(`\n${timesTable('Test file', unitTimes(read(UNIT_REPORT), root))}`);
  if (names.includes('e2e')) console.log(`\n${timesTable('Journey', journeyTimes(read(JOURNEY_REPORT)))}`);
}

/** A stage that ended before its report has none. @param {string} file */
function read(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
}

/** @returns {Promise<number>} exit code */
async function main() {
  const args = parseTestArgs(process.argv.slice(2));
  if (args.help) {
    console.log(HELP);
    return 0;
  }
  setTestEnvironment();
  const change = args.changed ? await changedFiles(args.ref) : null;
  if (change) say(`${change.files.length} files differ from ${change.ref}`);
  const files = change && change.files;
  const prepared = await counted(async () => {
    await setUp({ electron: false, build: false });
    await prepareStages(args.stages, files);
    return { passed: 0, failed: 0, skipped: 0 };
  });
  const names = prepared.failed === 0 ? args.stages : [];
  const { counts, times, failures } = await runStages(names, files);
  if (args.times) printTimes(names, times);
  const total = sum([prepared, counts]);
  for (const text of failures) console.log(`\n${text}`);
  console.log(closingLine(total));
  return total.failed > 0 ? 1 : 0;
}

await runMain(main);
