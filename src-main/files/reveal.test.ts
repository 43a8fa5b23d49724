/** Which paths may be shown in the file manager, and with which program. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { revealable, systemFileManager } from './reveal.ts';

describe('what may be shown', () => {
  let dir: string;
  let places: { home: string; exports: string[] };
  beforeEach(() => {
    dir = fs.realpathSync(temporaryFolder());
    places = { home: path.join(dir, 'home'), exports: [path.join(dir, 'elsewhere', 'merged'), path.join(dir, 'gone')] };
    for (const folder of [
      path.join(places.home, 'adapters', 'a'),
      places.exports[0]!,
      path.join(dir, 'home-two'),
      path.join(dir, 'elsewhere', 'merged-not'),
    ])
      fs.mkdirSync(folder, { recursive: true });
    fs.symlinkSync(dir, path.join(places.home, 'way-out'));
  });

  it('the data folder, what lies in it, and an export', () => {
    for (const target of [
      places.home,
      path.join(places.home, 'adapters', 'a'),
      `${places.home}/adapters/../adapters/a`,
      places.exports[0]!,
    ]) {
      expect(revealable(target, places)).toBe(path.resolve(target));
    }
  });

  it.each(['home-two', 'elsewhere', 'elsewhere/merged-not', 'home/..', 'home/way-out', '.'])('not %s', (target) => {
    expect(() => revealable(`${dir}/${target}`, places)).toThrow(/only shows folders of its own/);
  });

  it('says when it is gone', () => {
    expect(() => revealable(places.exports[1]!, places)).toThrow(/does not exist any more/);
  });
});

describe('the program', () => {
  it('needs a display on Linux, and xdg-open in the path', () => {
    const bin = temporaryFolder();
    fs.writeFileSync(path.join(bin, 'xdg-open'), '');
    expect(systemFileManager({ PATH: bin }, 'linux')).toBeUndefined();
    expect(systemFileManager({ PATH: '/nowhere', DISPLAY: ':0' }, 'linux')).toBeUndefined();
    expect(systemFileManager({ PATH: bin, DISPLAY: ':0' }, 'linux')).toBeTypeOf('function');
    expect(systemFileManager({}, 'darwin')).toBeTypeOf('function');
    expect(systemFileManager({}, 'win32')).toBeTypeOf('function');
  });
});
