/** The check of who imports whom: a table's rows, each way to import, and circles. */
import { describe, expect, it } from 'vitest';
import { layers } from '../layers.config.mjs';
import { importsOf } from './lib/imports.mjs';
import { circles, layerProblems } from './lib/layers.mjs';

const TABLE = {
  'a/**/*.test.ts': { imports: ['a', 'b'] },
  'a/**': { imports: ['c'], types: ['b'], packages: ['zod', 'node'] },
  'pages/*/**': { imports: ['c'] },
  'root/*': { imports: ['c'] },
};

const parsed = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([file, text]) => [file, importsOf(file, text)]));
const problems = (file: string, text: string) => layerProblems(TABLE, parsed({ [file]: text }));

describe('an import that no row allows fails', () => {
  it.each([
    ['a static one', `import { x } from '../b/x.ts';`],
    ['one without names', `import '../b/x.ts';`],
    ['one for types by name only', `import { type X } from '../b/x.ts';`],
    ['an export', `export { x } from '../b/x.ts';`],
    ['a dynamic one', `const x = await import('../b/x.ts');`],
    ['a require', `const x = require('../b/x.ts');`],
    ['a type-only one', `import type { X } from '../d/x.ts';`],
    ['a type in place', `const x: import('../d/x.ts').X = 1;`],
    ['a type in a comment', `/** @typedef {import('../d/x.ts').X} X */\nexport {};`],
    ['a package', `import fs from 'electron/main';`],
  ])('%s', (_, text) => expect(problems(/typedef/.test(text) ? 'a/y.mjs' : 'a/y.ts', text)).toHaveLength(1));

  it('in the script, the module script and the markup of a Svelte file, by line', () => {
    const text = [
      `<script module lang="ts">`,
      `  import type { X } from '../d/x.ts';`,
      `</script>`,
      `<script lang="ts" generics="T extends string">`,
      `  import Y from '../b/Y.svelte';`,
      `</script>`,
      `<p>import from here</p>`,
      `{#await import('../b/Z.svelte') then { default: Z }}<Z />{/await}`,
    ].join('\n');
    expect(problems('a/Y.svelte', text)).toEqual([
      'a/Y.svelte:2: a may not import the types of d/x.ts.',
      'a/Y.svelte:5: a may not import b/Y.svelte.',
      'a/Y.svelte:8: a may not import b/Z.svelte.',
    ]);
  });
});

it('what a row names is allowed: folders, types, packages, its own files; words and addresses are no imports', () => {
  const text = `import { z } from 'zod/v4';
    import path from 'node:path';
    import type { X } from '../../b/x.ts';
    import { own } from '../deeper/own.ts';
    import icon from '../../c/icon.svg?url';
    const words = "import('../../b/x.ts')"; // import '../../b/x.ts'
    export const worker = new URL('../../b/x.ts', import.meta.url);`;
  expect(problems('a/deep/y.ts', text)).toEqual([]);
  expect(problems('a/deep/y.test.ts', `import { x } from '../../b/x.ts';`)).toEqual([]);
});

it('a folder without a row fails, and so does a folder in one whose row is for its files alone', () => {
  expect(problems('new/y.ts', '')).toEqual(['new/y.ts: no row of layers.config.mjs fits it; add one for its folder.']);
  expect(problems('root/new/y.ts', '')).toHaveLength(1);
  expect(problems('root/y.ts', `import { x } from './x.ts';\nimport { z } from './new/z.ts';`)).toHaveLength(1);
  expect(layerProblems(layers, parsed({ 'src-main/new/y.ts': '' }))).toHaveLength(1);
});

it('a star makes each folder a layer of its own', () => {
  const text = `import { x } from './parts/x.ts';\nimport { y } from '../two/y.ts';`;
  expect(problems('pages/one/y.ts', text)).toEqual(['pages/one/y.ts:2: pages/one may not import pages/two/y.ts.']);
});

it('circles are told once, the shortest way, type-only ones included', () => {
  const files = parsed({
    'a/1.ts': `import { two } from './2.ts';`,
    'a/2.ts': `import { three } from './3.ts';`,
    'a/3.ts': `import type { One } from './1.ts';\nimport { two } from './2.ts';`,
    'a/4.ts': `import { one } from './1.ts';`,
    'a/5.ts': `const six = await import('./6.ts');`,
    'a/6.ts': `import { five } from './5.ts';`,
  });
  expect(circles(files)).toEqual([
    ['a/1.ts', 'a/2.ts', 'a/3.ts', 'a/1.ts'],
    ['a/5.ts', 'a/6.ts', 'a/5.ts'],
  ]);
});
