/**
 * The user's token of the hub. HF_TOKEN wins; else Graft's own, encrypted by the system's keychain where the host has
 * one, in a file of the data folder that only the user can read elsewhere; else that of Hugging Face's own tools.
 * A token is never shown, written to a log, or kept in the catalogue.
 */
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { temporaryNameFor } from '../files/writeWhole.ts';
import { huggingFaceDir } from './cache.ts';

/** What encrypts a short text so that only this user of this machine can read it. */
export interface Keychain {
  /** For sentences: `the keychain of macOS`. */
  name: string;
  encrypt(text: string): Buffer;
  decrypt(bytes: Buffer): string;
}

export interface KnownToken {
  /** Where it comes from, for sentences. */
  place: string;
  token: string;
}

const FORM = /^hf_[\w.-]{8,1000}$/;
const PLAIN_FILE = 'hub-token';
const SEALED_FILE = 'hub-token.sealed';
const TOKEN_BYTES = 8192;

export class TokenStore {
  #plainFile: string;
  #sealedFile: string;
  #keychain: () => Keychain | undefined;
  #env: NodeJS.ProcessEnv;

  /** `keychain` is asked only when a token is kept or read, since the system may ask the user first. */
  constructor(
    homeDir: string,
    keychain: () => Keychain | undefined = () => undefined,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#plainFile = path.join(homeDir, PLAIN_FILE);
    this.#sealedFile = path.join(homeDir, SEALED_FILE);
    this.#keychain = keychain;
    this.#env = env;
  }

  /** The token to use. Throws a usage error HUB_TOKEN where HF_TOKEN holds something else. */
  find(): KnownToken | undefined {
    const given = (this.#env['HF_TOKEN'] || this.#env['HUGGING_FACE_HUB_TOKEN'])?.trim();
    if (given) return { place: 'HF_TOKEN', token: checkedToken(given, 'HF_TOKEN') };
    return this.#sealed() ?? this.#own() ?? this.#ofHuggingFace();
  }

  /** Keeps a token in place of the one before; says where. Throws a usage error HUB_TOKEN, or the file system's. */
  keep(text: string): string {
    const token = checkedToken(text.trim(), 'What was given');
    const keychain = this.#keychain();
    const sealed = keychain?.encrypt(token);
    this.forget();
    writePrivate(sealed ? this.#sealedFile : this.#plainFile, sealed ?? token);
    return keychain?.name ?? `${this.#plainFile}, which only you can read`;
  }

  /** True where Graft had one; that of Hugging Face's own tools stays. */
  forget(): boolean {
    const had = [this.#plainFile, this.#sealedFile].filter((file) => fs.existsSync(file));
    for (const file of had) fs.rmSync(file, { force: true });
    return had.length > 0;
  }

  #sealed(): KnownToken | undefined {
    if (!fs.existsSync(this.#sealedFile)) return undefined;
    const keychain = this.#keychain();
    if (!keychain) return undefined;
    try {
      const token = keychain.decrypt(fs.readFileSync(this.#sealedFile)).trim();
      return FORM.test(token) ? { place: keychain.name, token } : undefined;
    } catch {
      // Sealed by another user or another machine: as good as none, and the user can store it again.
      return undefined;
    }
  }

  #own(): KnownToken | undefined {
    const token = readToken(this.#plainFile);
    return token === undefined ? undefined : { place: this.#plainFile, token };
  }

  #ofHuggingFace(): KnownToken | undefined {
    const file = this.#env['HF_TOKEN_PATH'] || path.join(huggingFaceDir(this.#env), 'token');
    const token = readToken(file);
    return token === undefined ? undefined : { place: file, token };
  }
}

function checkedToken(token: string, what: string): string {
  if (FORM.test(token)) return token;
  throw usageError(
    'HUB_TOKEN',
    `${what} is no token of Hugging Face, which begins with hf_; copy it again from the page of your tokens.`,
  );
}

function readToken(file: string): string | undefined {
  try {
    const token = readForeignText(file, TOKEN_BYTES).trim();
    return FORM.test(token) ? token : undefined;
  } catch {
    return undefined;
  }
}

function writePrivate(file: string, data: string | Buffer): void {
  const temporary = temporaryNameFor(file);
  fs.writeFileSync(temporary, data, { mode: 0o600, flag: 'wx' });
  fs.renameSync(temporary, file);
}
