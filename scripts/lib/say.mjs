/**
 * What set-up tells the user, one line each, always on stderr: stdout belongs to the command that
 * runs after it.
 */

/** @param {string} line */
export function say(line) {
  process.stderr.write(`graft: ${line}\n`);
}

/**
 * Runs `work` and says every 15 seconds that it goes on.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress(what, work) {
  const startedAt = Date.now();
  const timer = setInterval(() => say(`  ${what}: ${Math.round((Date.now() - startedAt) / 1000)} s so far`), 15_000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** A failure whose message is a whole sentence for the user; printed without a stack. */
export class SetupError extends Error {}

/**
 * Runs a script's main function: a SetupError becomes one line, `exitCode` 1 (or 2 for bad usage).
 * @param {() => Promise<number>} main returns the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof UsageError) {
      say(error.message);
      process.exitCode = 2;
    } else if (error instanceof SetupError) {
      say(error.message);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}

/** A mistake on the command line; exit code 2. */
export class UsageError extends Error {}
