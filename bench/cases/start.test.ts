/** Which assets a page asks for. */
import { expect, it } from 'vitest';
import { assetsOf } from './start.ts';

it('finds scripts and styles, and no data addresses', () => {
  const page =
    '<link rel="icon" href="data:," /><script type="module" crossorigin src="./assets/a.js"></script>\n<link ' +
    'rel="stylesheet" crossorigin href="./assets/b.css"><a href="/no">x</a>';
  expect(assetsOf(page)).toEqual(['./assets/a.js', './assets/b.css']);
});
