import path from 'node:path';
import fs from 'node:fs';
import os from 'node:os';
import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { openCatalog } from '../../catalog/catalog.ts';
import { temporaryNameFor } from '../../files/writeWhole.ts';
import { isOther } from '../runs/recover.ts';
import { defaultHomeDir, openHome } from './home.ts';
import { removeAbandonedPartials } from './partials.ts';

it.each([
  ['GRAFT_HOME first', { GRAFT_HOME: '/data/g', XDG_DATA_HOME: '/x' }, 'linux', '/data/g'],
  ['XDG_DATA_HOME on Linux', { XDG_DATA_HOME: '/x' }, 'linux', '/x/graft'],
  ['its default', {}, 'linux', path.join(os.homedir(), '.local/share/graft')],
  [
    'Application Support on macOS',
    { XDG_DATA_HOME: '/x' },
    'darwin',
    path.join(os.homedir(), 'Library/Application Support/Graft'),
  ],
  ['APPDATA on Windows', { APPDATA: '/roaming' }, 'win32', path.join('/roaming', 'Graft')],
] as const)('the data folder is %s', (_name, env, platform, want) => expect(defaultHomeDir(env, platform)).toBe(want));

const modeOf = (file: string) => fs.statSync(file).mode & 0o777;

it.skipIf(process.platform === 'win32')("is the user's alone, also where an earlier Graft left it open", () => {
  const dir = path.join(temporaryFolder(), 'deep', 'home');
  const mask = process.umask(0o022);
  try {
    const { catalogFile } = openHome(dir);
    const catalog = openCatalog(catalogFile);
    catalog.db.exec('CREATE TABLE x (y)');
    const files = ['', '-wal', '-shm'].map((suffix) => catalogFile + suffix);
    const folders = [
      dir,
      ...['runs', 'adapters', 'trash', 'models', 'datasets', 'exports'].map((n) => path.join(dir, n)),
    ];
    const check = () => {
      expect(files.map(modeOf)).toEqual([0o600, 0o600, 0o600]);
      expect(new Set(folders.map(modeOf))).toEqual(new Set([0o700]));
    };
    check();
    files.forEach((file) => fs.chmodSync(file, 0o644));
    folders.forEach((folder) => fs.chmodSync(folder, 0o755));
    openHome(dir);
    check();
    catalog.close();
  } finally {
    process.umask(mask);
  }
});

it.skipIf(process.platform === 'win32')('a folder that others share keeps its rights', () => {
  const shared = temporaryFolder();
  fs.chmodSync(shared, 0o1777);
  openHome(shared);
  openHome(shared);
  expect(fs.statSync(shared).mode & 0o7777).toBe(0o1777);
  expect(modeOf(path.join(shared, 'runs'))).toBe(0o700);
});

it.each(['/proc/graft', '/proc/graft/deep/er', '/dev/null/graft'])('%s is refused at once', (dir) => {
  if (process.platform !== 'linux') return;
  expect(() => openHome(dir)).toThrow(/^The data folder \/.* cannot be made or written \(.*\); choose another with/);
});

it('is cleaned of what killed processes left half-written, not of what living ones write', async () => {
  const home = openHome(path.join(temporaryFolder(), 'home'));
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const dead = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => dead.once('exit', resolve));
  const nameOf = (pid: number, target: string) => {
    const own = path.basename(temporaryNameFor(target));
    return path.join(
      path.dirname(target),
      own.replace(/[0-9a-f]{12}(?=\.partial$)/, `${pid.toString(16).padStart(6, '0')}abcdef`),
    );
  };
  try {
    const left = [home.adapterDir('a'), home.modelDir('m'), path.join(home.exportsDir, 'e')].map((t) =>
      nameOf(dead.pid!, t),
    );
    const others = [nameOf(child.pid!, home.adapterDir('b')), path.join(home.dir, 'adapters', '.mine.partial')];
    for (const dir of [...left, ...others, home.adapterDir('c')])
      fs.mkdirSync(path.join(dir, 'x'), { recursive: true });
    removeAbandonedPartials(home, isOther);
    expect(left.filter((dir) => fs.existsSync(dir))).toEqual([]);
    expect([...others, home.adapterDir('c')].every((dir) => fs.existsSync(dir))).toBe(true);
  } finally {
    child.kill('SIGKILL');
  }
});
