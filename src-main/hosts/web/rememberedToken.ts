/**
 * The web host's token, kept in the data folder for the user alone, so that an open page and a bookmark still work
 * after Graft was started again.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryNameFor } from '../../files/writeWhole.ts';

const FILE = 'web-token';
const FORM = /^[\w-]{32}$/;

/** The token of this data folder; a new one where there is none, or where other users could have read it. */
export function rememberedToken(homeDir: string): string {
  const file = path.join(homeDir, FILE);
  return readPrivate(file) ?? newToken(homeDir);
}

/** One that takes the place of the token of this data folder. */
export function newToken(homeDir: string): string {
  const file = path.join(homeDir, FILE);
  const token = randomBytes(24).toString('base64url');
  const temporary = temporaryNameFor(file);
  fs.writeFileSync(temporary, token, { mode: 0o600, flag: 'wx' });
  fs.renameSync(temporary, file);
  return token;
}

function readPrivate(file: string): string | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) return undefined;
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) return undefined;
  const token = fs.readFileSync(file, 'utf8').trim();
  return FORM.test(token) ? token : undefined;
}
