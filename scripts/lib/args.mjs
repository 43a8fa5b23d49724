/** Command line flags of `npm start` and `npm test`, read strictly. */
import { parseArgs } from 'node:util';
import { UsageError } from './say.mjs';

const HOSTS = ['web', 'electron'];
export const STAGES = ['types', 'lint', 'unit', 'e2e'];

/**
 * @param {string[]} argv
 * @param {import('node:util').ParseArgsConfig['options']} options
 * @param {string} help command that prints the flags
 * @returns {Record<string, unknown>}
 */
function parse(argv, options, help) {
  try {
    return parseArgs({ args: argv, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split(/[.\n]/)[0];
    throw new UsageError(`${reason}; ${help} lists the flags.`);
  }
}

/**
 * @param {string[]} argv
 * @returns {{ help: boolean, host: string | undefined, port: number | undefined, open: boolean }}
 *   `port` undefined: the server's default, or the next free one.
 */
export function parseStartArgs(argv) {
  const help = 'npm start -- --help';
  const values = parse(
    argv,
    { help: { type: 'boolean' }, host: { type: 'string' }, port: { type: 'string' }, 'no-open': { type: 'boolean' } },
    help,
  );
  const host = typeof values.host === 'string' ? values.host : undefined;
  if (host !== undefined && !HOSTS.includes(host)) {
    throw new UsageError(`--host is web or electron, not "${host}".`);
  }
  const port = typeof values.port === 'string' ? values.port : undefined;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65535)) {
    throw new UsageError(`--port is a number from 0 (any free port) to 65535, not "${port}".`);
  }
  return {
    help: values.help === true,
    host,
    port: port === undefined ? undefined : Number(port),
    open: values['no-open'] !== true,
  };
}

/**
 * @param {string[]} argv
 * @returns {{ help: boolean, stages: string[], times: boolean, changed: boolean, ref: string | undefined }}
 *   `ref`: what --changed compares with; undefined: the last commit.
 */
export function parseTestArgs(argv) {
  const { rest, changed, ref } = takeChanged(argv);
  const values = parse(
    rest,
    { help: { type: 'boolean' }, only: { type: 'string' }, times: { type: 'boolean' } },
    'npm test -- --help',
  );
  const only = typeof values.only === 'string' ? values.only.split(',') : STAGES;
  const unknown = only.find((stage) => !STAGES.includes(stage));
  if (unknown !== undefined)
    throw new UsageError(`--only is ${STAGES.join(', ')} (or several, with commas), not "${unknown}".`);
  return {
    help: values.help === true,
    stages: STAGES.filter((stage) => only.includes(stage)),
    times: values.times === true,
    changed,
    ref,
  };
}

/**
 * `--changed`, `--changed REF` or `--changed=REF`: a flag whose value may be left out, which parseArgs does not know.
 * @param {string[]} argv
 */
function takeChanged(argv) {
  const at = argv.findIndex((arg) => arg === '--changed' || arg.startsWith('--changed='));
  const flag = argv[at];
  if (flag === undefined) return { rest: argv, changed: false, ref: undefined };
  const next = argv[at + 1];
  const own = flag.includes('=') ? flag.slice(flag.indexOf('=') + 1) : undefined;
  const apart = own === undefined && next !== undefined && !next.startsWith('-');
  if (own === '') throw new UsageError('--changed= needs a branch, tag or commit.');
  return { rest: argv.toSpliced(at, apart ? 2 : 1), changed: true, ref: own ?? (apart ? next : undefined) };
}
