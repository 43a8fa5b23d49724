/**
 * Who has opened the printed address. A session is a cookie, with which the page loads, and a key, without which no
 * call is answered: browsers send the cookie to every port of this machine, the key only our own page has. Neither is
 * worth anything as a bearer token. Kept are hashes, in a file for the user alone, so that an open page and its
 * training go on after Graft was started again; a session ends 30 days after its login.
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { temporaryNameFor } from '../../files/writeWhole.ts';

const DAYS = 30;
export const SESSION_SECONDS = DAYS * 24 * 60 * 60;
/** The oldest goes first; a login is a browser, so few are needed. */
const MOST = 20;

interface Session {
  /** Hex sha256. */
  cookie: string;
  /** Hex sha256. */
  key: string;
  endsAtMs: number;
}

export class Sessions {
  #file: string | undefined;
  #now: () => number;
  #all: Session[];

  /** Without a file they end with this process. */
  constructor(file?: string, now: () => number = Date.now) {
    this.#file = file;
    this.#now = now;
    this.#all = file === undefined ? [] : read(file);
  }

  /** A new one, in the place of the session that the same browser had. */
  open(formerCookie: string | undefined): { cookie: string; key: string } {
    const [cookie, key] = [secret(), secret()];
    const former = formerCookie === undefined ? '' : digest(formerCookie);
    const others = this.#current().filter((session) => session.cookie !== former);
    const endsAtMs = this.#now() + SESSION_SECONDS * 1000;
    this.#keep([...others.slice(1 - MOST), { cookie: digest(cookie), key: digest(key), endsAtMs }]);
    return { cookie, key };
  }

  hasCookie(cookie: string): boolean {
    return this.#current().some((session) => session.cookie === digest(cookie));
  }

  /** Whether both belong to one session. */
  admits(cookie: string, key: string): boolean {
    return this.#current().some((session) => session.cookie === digest(cookie) && session.key === digest(key));
  }

  endAll(): void {
    this.#keep([]);
  }

  #current(): Session[] {
    const now = this.#now();
    return this.#all.filter(({ endsAtMs }) => endsAtMs > now);
  }

  #keep(sessions: Session[]): void {
    this.#all = sessions;
    if (this.#file === undefined) return;
    const temporary = temporaryNameFor(this.#file);
    try {
      fs.writeFileSync(temporary, JSON.stringify(sessions), { mode: 0o600, flag: 'wx' });
      fs.renameSync(temporary, this.#file);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
  }
}

/** None where the file is missing, broken, or could have been written by others. */
function read(file: string): Session[] {
  try {
    if (process.platform !== 'win32' && (fs.statSync(file).mode & 0o077) !== 0) return [];
    const found: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    return Array.isArray(found) ? found.filter(isSession) : [];
  } catch {
    return [];
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { cookie, key, endsAtMs } = value as Partial<Session>;
  return typeof cookie === 'string' && typeof key === 'string' && typeof endsAtMs === 'number';
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
