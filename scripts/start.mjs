/** `npm start`: sets up what is missing, then opens Graft in a window or serves it on 127.0.0.1. */
import { parseStartArgs } from './lib/args.mjs';
import { canShowWindow } from './lib/electron.mjs';
import { chooseHost, launchElectron, launchWeb } from './lib/launch.mjs';
import { runMain } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';

const HELP = `npm start -- [flags]
  --host=electron|web   a window, or the same app in a browser (default: electron if it can be had)
  --port=N              port of the web host, 0 for any free one (default 4917, or the next free)
  --no-open             do not open the browser
Environment: GRAFT_HOME (data), GRAFT_CACHE (downloads), GRAFT_TENSORFLOW=official|bundled|skip,
GRAFT_ELECTRON=retry`;

await runMain(async () => {
  const args = parseStartArgs(process.argv.slice(2));
  if (args.help) {
    console.log(HELP);
    return 0;
  }
  const windowPossible = args.host === 'electron' || (args.host === undefined && canShowWindow());
  await setUp({ electron: windowPossible, build: true });
  return chooseHost(args.host) === 'electron' ? launchElectron() : launchWeb(args);
});
