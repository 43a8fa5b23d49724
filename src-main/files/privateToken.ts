/** A random token in a file, for the user alone, so that what knows it still works after Graft was started again. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { temporaryNameFor } from './writeWhole.ts';

const FORM = /^[\w-]{32}$/;

/** The token in this file; a new one where there is none, or where other users could have read it. */
export function keptToken(file: string): string {
  return readPrivate(file) ?? replaceToken(file);
}

/** One that takes the place of the token in this file. */
export function replaceToken(file: string): string {
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
