/**
 * `npm run -s graft -- COMMAND …`: the command line of Graft. Sets up what is missing first, on
 * stderr; stdout carries nothing but the command's own result.
 */
import path from 'node:path';
import { built, buildIsCurrent } from './lib/build.mjs';
import { node24Path } from './lib/node24.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';

await runMain(async () => {
  await setUp({ electron: false, build: false });
  // The bundle starts sooner, but is not built for a command's sake.
  const cli = buildIsCurrent() ? built('cli') : path.join(root, 'src-main/hosts/cli/main.ts');
  // npm runs scripts in the repository; the user's paths are relative to where they typed.
  const byNpm = process.env.npm_lifecycle_event === 'graft';
  const cwd = (byNpm ? process.env.INIT_CWD : undefined) ?? process.cwd();
  return (await run(node24Path(), [cli, ...process.argv.slice(2)], { output: 'inherit', cwd })).code;
});
