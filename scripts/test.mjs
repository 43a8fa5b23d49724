/** `npm test`: sets up, then type check, lint, unit and integration tests, and browser tests. */
import { parseTestArgs, STAGES } from './lib/args.mjs';
import { closingLine, sum } from './lib/counts.mjs';
import { runMain, say, SetupError } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';
import { stages } from './lib/stages.mjs';

const HELP = `npm test [-- --only=STAGE,…]
  stages: ${STAGES.join(', ')}`;

/**
 * The counts of one part; set-up that fails inside it is one failure, and the other parts still run.
 * @param {() => Promise<import('./lib/counts.mjs').Counts>} part
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

await runMain(async () => {
  const args = parseTestArgs(process.argv.slice(2));
  if (args.help) {
    console.log(HELP);
    return 0;
  }
  const prepared = await counted(async () => {
    await setUp({ electron: false, build: false });
    return { passed: 0, failed: 0, skipped: 0 };
  });
  const counts = [prepared];
  for (const name of prepared.failed === 0 ? args.stages : []) {
    const stage = stages[name];
    say(`test stage: ${name}`);
    if (stage) counts.push(await counted(stage));
  }
  const total = sum(counts);
  console.log(closingLine(total));
  return total.failed > 0 ? 1 : 0;
});
