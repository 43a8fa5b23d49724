import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseHash } from '../../../src-shared/routes.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { hashOfArguments, hashOfFile, hashOfLink } from './deepLink.ts';

it.each([
  ['graft://runs/run-3f9a0c11d2', '#/runs/run-3f9a0c11d2'],
  ['graft://runs', '#/runs'],
  ['graft://new-run/', '#/new-run'],
  ['graft://models/model-1/', '#/models/model-1'],
])('%s leads to %s', (link, hash) => {
  expect(hashOfLink(link)).toBe(hash);
});

it.each([
  'graft://nowhere',
  'graft://',
  'graft:runs',
  'graft:///runs',
  'graft://runs/../settings',
  'graft://runs/a/b',
  'graft://runs/%2e%2e',
  'graft://runs?x=1',
  'graft://runs#/models',
  'graft://user@runs',
  'graft://RUNS',
  'https://runs/x',
  'graft://runs/<script>',
  `graft://runs/${'x'.repeat(65)}`,
  ' graft://runs',
  'graft://runs\n',
])('%j leads nowhere', (link) => {
  expect(hashOfLink(link)).toBeUndefined();
});

it('opens data files that exist, by any path the command line gives', () => {
  const dir = temporaryFolder();
  const file = path.join(dir, 'my rows & more.JSONL');
  fs.writeFileSync(file, '');
  fs.writeFileSync(path.join(dir, 'secret.key'), '');
  fs.mkdirSync(path.join(dir, 'folder.csv'));
  const route = parseHash(hashOfFile(file)!);
  expect([route.page, route.query.get('file')]).toEqual(['datasets', file]);
  expect(hashOfFile(path.join(dir, 'secret.key'))).toBeUndefined();
  for (const name of ['a.parquet', 'a.arrow', 'a.feather', 'a.xlsx', 'a.tsv', 'a.json', 'a.md', 'a.jsonl.gz']) {
    fs.writeFileSync(path.join(dir, name), '');
    expect(hashOfFile(path.join(dir, name)), name).toBeDefined();
  }
  expect(hashOfFile(path.join(dir, 'gone.jsonl'))).toBeUndefined();
  expect(hashOfFile(path.join(dir, 'folder.csv'))).toBeUndefined();
  expect(hashOfArguments(['/opt/graft/graft', '--no-sandbox', 'my rows & more.JSONL'], dir)).toBe(hashOfFile(file));
  expect(hashOfArguments(['/opt/graft/graft', '.', 'graft://runs/run-1'], dir)).toBe('#/runs/run-1');
  expect(hashOfArguments(['/opt/graft/graft', '--graft://runs'], dir)).toBeUndefined();
});
