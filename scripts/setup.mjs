/** `npm run setup`: everything that Graft needs on this machine, without starting it. */
import { canShowWindow, noWindowReason } from './lib/electron.mjs';
import { runMain, say } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';

await runMain(async () => {
  await setUp({ electron: canShowWindow(), build: true });
  const reason = noWindowReason();
  if (reason) say(`${reason} Graft will run on this machine's web host.`);
  say('everything is set up');
  return 0;
});
