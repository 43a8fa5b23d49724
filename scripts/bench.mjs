/**
 * `npm run bench -- CASE|all …` measures Graft beside its rivals (bench/main.ts); `qlora …`, `kernel-errors …`,
 * `data …`, `lab`, `methods …`, `advise …`, `preferences …`, `serve …`, `scale` and `ui …` run the other benches.
 */
import path from 'node:path';
import { node24Path } from './lib/node24.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';

await runMain(async () => {
  await setUp({ electron: false, build: process.argv[2] === 'ui' });
  const [first = '', ...rest] = process.argv.slice(2);
  /** @type {Record<string, string>} */
  const others = {
    qlora: 'qlora.ts',
    'kernel-errors': 'kernelErrors.ts',
    data: 'data/main.ts',
    lab: 'lab/main.ts',
    methods: 'methods.ts',
    advise: 'advise.ts',
    preferences: 'preferences.ts',
    serve: 'serve.ts',
    scale: 'scale/main.ts',
    ui: 'ui/main.ts',
  };
  const other = others[first];
  const args = other ? rest : process.argv.slice(2);
  // npm runs scripts in the repository; the user's paths are relative to where they typed.
  const byNpm = process.env.npm_lifecycle_event?.startsWith('bench');
  const cwd = (byNpm ? process.env.INIT_CWD : undefined) ?? process.cwd();
  return (await run(node24Path(), [path.join(root, 'bench', other ?? 'main.ts'), ...args], { output: 'inherit', cwd }))
    .code;
});
