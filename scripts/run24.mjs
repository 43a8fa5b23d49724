/** `node scripts/run24.mjs TOOL args…`: a command of node_modules/.bin or a file, run by Node 24 or newer. */
import { node24Path, toolPath } from './lib/node24.mjs';
import { run } from './lib/run.mjs';
import { runMain, UsageError } from './lib/say.mjs';

await runMain(async () => {
  const [tool, ...args] = process.argv.slice(2);
  if (!tool) throw new UsageError('run24.mjs needs the name of a tool, for example tsc.');
  return (await run(node24Path(), [tool.endsWith('.ts') ? tool : toolPath(tool), ...args], { output: 'inherit' })).code;
});
