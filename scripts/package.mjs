/** `npm run package`: builds the pages and the installable packages of this system, into out/packages. */
import { electronBinary, noWindowReason, setUpElectron } from './lib/electron.mjs';
import { node24Path, toolPath } from './lib/node24.mjs';
import { run } from './lib/run.mjs';
import { runMain, say, SetupError } from './lib/say.mjs';

await runMain(async () => {
  if (!electronBinary()) await setUpElectron();
  if (!electronBinary()) {
    throw new SetupError(
      `A package holds Electron's binary, which is not here. ${noWindowReason() ?? ''} Fetch it with ` +
        'GRAFT_ELECTRON=retry npm run setup where its host (or ELECTRON_MIRROR) answers.',
    );
  }
  for (const [tool, args] of [
    ['electron-vite', ['build']],
    ['electron-builder', ['--publish', 'never', ...process.argv.slice(2)]],
  ]) {
    const { code } = await run(
      node24Path(),
      [toolPath(/** @type {string} */ (tool)), .../** @type {string[]} */ (args)],
      { output: 'inherit' },
    );
    if (code !== 0) return code;
  }
  say('package: done, see out/packages');
  return 0;
});
