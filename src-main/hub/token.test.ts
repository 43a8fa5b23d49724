import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { systemKeychain } from '../hosts/electron/keychain.ts';
import { TokenStore } from './token.ts';

const [OWN, OTHER, GIVEN] = ['hf_ownownown1', 'hf_otherother', 'hf_givengiven'] as const;
let home: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  home = temporaryFolder();
  env = { HF_HOME: path.join(home, 'huggingface') };
});

/** As Electron's: what it seals is not the text, and another user's key does not open it. */
function fakeSafeStorage(key: number, { available = true, backend = 'gnome_libsecret' as const } = {}) {
  const turned = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ key));
  return {
    isEncryptionAvailable: () => available,
    getSelectedStorageBackend: () => backend as 'gnome_libsecret' | 'basic_text',
    encryptString: (text: string) => turned(Buffer.from(`v10${text}`)),
    decryptString: (bytes: Buffer) => {
      const text = turned(bytes).toString();
      if (!text.startsWith('v10')) throw new Error('Error while decrypting the ciphertext provided.');
      return text.slice(3);
    },
  };
}

it('HF_TOKEN wins over what Graft keeps, which wins over what the tools of Hugging Face keep', () => {
  const store = new TokenStore(home, undefined, env);
  expect(store.find()).toBeUndefined();
  fs.mkdirSync(env['HF_HOME']!);
  fs.writeFileSync(path.join(env['HF_HOME']!, 'token'), `${OTHER}\n`);
  expect(store.find()?.token).toBe(OTHER);
  expect(store.keep(` ${OWN}\n`)).toContain('which only you can read');
  expect(store.find()?.token).toBe(OWN);
  expect(new TokenStore(home, undefined, { ...env, HF_TOKEN: GIVEN }).find()).toEqual({
    place: 'HF_TOKEN',
    token: GIVEN,
  });
  expect(store.forget()).toBe(true);
  expect(store.forget()).toBe(false);
  expect(store.find()?.token).toBe(OTHER);
});

it.runIf(process.platform !== 'win32')('lies in a file for the user alone', () => {
  new TokenStore(home, undefined, env).keep(OWN);
  expect(fs.statSync(path.join(home, 'hub-token')).mode & 0o777).toBe(0o600);
});

it('is sealed where the host has a keychain, and takes the place of the open one', () => {
  new TokenStore(home, undefined, env).keep(OTHER);
  const store = new TokenStore(home, () => systemKeychain(fakeSafeStorage(7), 'darwin'), env);
  expect(store.find()?.token).toBe(OTHER);
  expect(store.keep(OWN)).toBe('the keychain of macOS');
  expect(store.find()).toEqual({ place: 'the keychain of macOS', token: OWN });
  expect(fs.existsSync(path.join(home, 'hub-token'))).toBe(false);
  for (const name of fs.readdirSync(home)) expect(fs.readFileSync(path.join(home, name)).includes(OWN)).toBe(false);
  // The command line cannot open it, nor can another user's key: as good as none.
  expect(new TokenStore(home, undefined, env).find()).toBeUndefined();
  expect(new TokenStore(home, () => systemKeychain(fakeSafeStorage(9), 'darwin'), env).find()).toBeUndefined();
});

it('there is no keychain where Electron would only pretend to one', () => {
  expect(systemKeychain(fakeSafeStorage(7, { available: false }), 'win32')).toBeUndefined();
  expect(
    systemKeychain({ ...fakeSafeStorage(7), getSelectedStorageBackend: () => 'basic_text' }, 'linux'),
  ).toBeUndefined();
  expect(systemKeychain(fakeSafeStorage(7), 'linux')?.name).toBe('the keyring of the desktop');
});

it('what is no token is refused without being repeated', () => {
  const store = new TokenStore(home, undefined, env);
  for (const text of ['', 'my password', 'hf_', 'hf_a b c d e f g'])
    expect(() => store.keep(text)).toThrow(/^What was given is no token of Hugging Face, which begins with hf_;/);
  expect(() => new TokenStore(home, undefined, { HF_TOKEN: 'secret' }).find()).toThrow(/^HF_TOKEN is no token/);
  expect(fs.readdirSync(home)).toEqual([]);
});
