/**
 * `npm run screens`: builds, goes through a small journey in Chromium and keeps every page in both themes in
 * docs/screens; e2e/screens.ts tells its options.
 */
import path from 'node:path';
import { node24Path } from './lib/node24.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';

await runMain(async () => {
  await setUp({ electron: false, build: true });
  return (
    await run(node24Path(), [path.join(root, 'e2e', 'screens.ts'), ...process.argv.slice(2)], { output: 'inherit' })
  ).code;
});
