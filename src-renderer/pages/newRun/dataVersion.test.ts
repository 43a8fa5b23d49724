import { describe, expect, it, test } from 'vitest';
import { versionFor, versionNote, type Excluded, type KnownVersion } from './dataVersion.ts';

const version = (number: number, state: KnownVersion['state'] = 'same'): KnownVersion => ({
  number,
  state,
  file: `/d/v${number}.jsonl`,
  change: `${number} rows edited`,
});
const note = (
  current: number,
  versions: KnownVersion[],
  wanted: number | undefined,
  excluded: Excluded | null = null,
) =>
  versionNote({
    dataset: { name: 'describe', version: current },
    versions,
    wanted,
    trained: versionFor(wanted, current, versions),
    excluded,
  });

describe('the version that is trained on', () => {
  it.each<[string, number | undefined, number, KnownVersion[], number]>([
    ['the current one where none is wanted', undefined, 2, [version(2), version(1)], 2],
    ['the wanted one', 1, 2, [version(2), version(1)], 1],
    ['the wanted one while the list is not known', 1, 2, [], 1],
    ['the current one where the wanted file is gone', 1, 2, [version(3), version(2), version(1, 'missing')], 2],
    ['the current one where the wanted file has changed', 1, 2, [version(2), version(1, 'changed')], 2],
    [
      'the newest that is left where the current one is gone too',
      1,
      2,
      [version(4, 'changed'), version(3), version(2, 'missing'), version(1, 'missing')],
      3,
    ],
    ['the wanted one where nothing is left, so that its error is told', 1, 1, [version(1, 'missing')], 1],
    ['the current one where the wanted one is not in the list', 7, 2, [version(2)], 2],
  ])('%s', (_name, wanted, current, versions, trained) => expect(versionFor(wanted, current, versions)).toBe(trained));
});

test('nothing is said where the current version is trained on', () => {
  expect(note(2, [version(2), version(1)], 2)).toBeUndefined();
  expect(note(2, [version(2), version(1)], 2, { version: 2, lines: [3] })).toBeUndefined();
});

test('a newer version is offered in one sentence', () => {
  expect(note(2, [version(2), version(1)], 1)).toEqual({
    text: 'This run trains on version 1 of describe; version 2 is newer (2 rows edited).',
    offer: 2,
  });
  expect(note(1, [version(2), version(1)], 2)).toEqual({
    text: 'This run trains on version 2 of describe; version 1 is the current one.',
    offer: 1,
  });
  // There is nothing to offer where the current file cannot be read.
  expect(note(2, [version(2, 'missing'), version(1)], 1)).toBeUndefined();
});

test('a version whose file is gone or has changed is named with the one that is taken instead', () => {
  expect(note(2, [version(2), version(1, 'missing')], 1)).toEqual({
    text:
      'Version 1 of describe cannot be used, since its file /d/v1.jsonl does not exist any more; this run trains ' +
      'on version 2 instead.',
    offer: undefined,
  });
  expect(note(2, [version(2), version(1, 'changed')], 1)?.text).toMatch(
    /its file \/d\/v1.jsonl has changed since; this run trains on version 2 instead/,
  );
});

test('rows left out of another version are not left out of this one, which is said', () => {
  const excluded = { version: 1, lines: [4, 9] };
  expect(note(2, [version(2), version(1)], 2, excluded)).toEqual({
    text: 'The 2 rows that were left out are rows of version 1, so nothing is left out of version 2.',
    offer: 1,
  });
  expect(note(2, [version(2), version(1, 'missing')], 1, { version: 1, lines: [4] })).toEqual({
    text:
      'Version 1 of describe cannot be used, since its file /d/v1.jsonl does not exist any more; this run trains ' +
      'on version 2 instead. The row that was left out is a row of version 1, so nothing is left out of version ' +
      '2.',
    offer: undefined,
  });
});
