import { expect, test } from 'vitest';
import { hashFor, parseHash } from './routes.ts';

test('a hash written for a page, id and query reads back the same', () => {
  const route = parseHash(hashFor('runs', 'a/b?c d', { model: 'x&y=z' }));
  expect(route.page).toBe('runs');
  expect(route.id).toBe('a/b?c d');
  expect(route.query.get('model')).toBe('x&y=z');
});

test.each(['', '#', '#/', '#/home'])('"%s" leads home', (hash) => expect(parseHash(hash).page).toBe('home'));

test.each(['#/nowhere', '#/nowhere/7', '#/Runs', '#/runs/7/steps', '#/settings/engines', '#/export/7', '#/home/x'])(
  '%s is no page',
  (hash) => expect(parseHash(hash).page).toBeNull(),
);

test('a broken escape in the id is kept as typed instead of breaking the page', () => {
  expect(parseHash('#/runs/%E0%A4').id).toBe('%E0%A4');
});
