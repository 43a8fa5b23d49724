import path from 'node:path';
import os from 'node:os';
import { expect, it } from 'vitest';
import { defaultHomeDir } from './home.ts';

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
