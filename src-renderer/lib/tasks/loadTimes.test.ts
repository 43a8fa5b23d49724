import { expect, it } from 'vitest';
import { loadNote, rememberLoad } from './loadTimes.ts';

function storage(text: string | null = null) {
  return { getItem: () => text, setItem: (_key: string, value: string) => void (text = value) };
}

it('the time of the last load is told, and nothing is made up before', () => {
  const store = storage();
  const model = { id: 'm1', name: 'Starter' };
  expect(loadNote(model, store)).toBe('loads Starter first');
  rememberLoad('m1', 900, store);
  rememberLoad('m2', 5000, store);
  rememberLoad('m1', 1234.5, store);
  expect(loadNote(model, store)).toBe('loads Starter first, about 1.2 s');
});

it.each(['no JSON', 'null', '7', '{"m1":"soon"}'])('what is kept and cannot be read counts as nothing: %s', (text) =>
  expect(loadNote({ id: 'm1', name: 'Starter' }, storage(text))).toBe('loads Starter first'),
);
