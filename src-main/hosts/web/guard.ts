/**
 * Who may talk to the web host. It serves one user on one machine: other users are kept out by the token and by the
 * secrets of a session, other web pages in the same browser by Host (DNS rebinding), Origin, and the session's key,
 * which only our own page can send.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SESSION_HEADER, SESSION_NAME } from '../../../src-shared/session.ts';
import { SESSION_SECONDS, type Sessions } from './sessions.ts';

export interface GuardedRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

export interface Access {
  token: string;
  port: number;
  sessions: Sessions;
}

export type Verdict =
  | { kind: 'pass' }
  /** The token came in the address: open a session and send the browser to the page. */
  | { kind: 'login'; formerCookie: string | undefined }
  /** `forget`: our own page has lost its session, so its browser may drop the cookie. */
  | { kind: 'refuse'; status: 401 | 403; message: string; forget?: boolean };

/** The address of a request line, whose host and port mean nothing; undefined where it is none, such as `/\\[`. */
export function parseTarget(target = '/'): URL | undefined {
  // An address such as `//x` is a path here, never another host. So is a backslash, which `URL` takes for a slash.
  const path = target.replace(/^[/\\]+/, '');
  return URL.parse(`http://127.0.0.1/${path}`) ?? undefined;
}

export function judge({ headers, method, url }: GuardedRequest, access: Access): Verdict {
  const hosts = [`127.0.0.1:${access.port}`, `localhost:${access.port}`];
  if (!headers.host || !hosts.includes(headers.host))
    return refuse(403, `Graft answers only at http://${hosts[0]}; use the address that it printed.`);

  const cookie = readCookie(headers.cookie, cookieName(access.port));
  const token = url.searchParams.get('token');
  if (method === 'GET' && url.pathname === '/' && token !== null) {
    return sameToken(token, access.token)
      ? { kind: 'login', formerCookie: cookie }
      : refuse(401, 'This token is not valid any more; use the address that Graft printed at its last start.');
  }

  const sensitive = (method !== 'GET' && method !== 'HEAD') || url.pathname.startsWith('/api/');
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  const known = bearer !== undefined ? sameToken(bearer, access.token) : isSession(cookie, sensitive);
  if (!known) {
    const message = 'Open the address with the token that Graft printed when it started.';
    return { ...refuse(401, message), forget: headers['sec-fetch-site'] === 'same-origin' };
  }
  return sensitive && !isOwnPage(headers, hosts, method, bearer !== undefined)
    ? refuse(403, "This request came from another web page; use Graft's own.")
    : { kind: 'pass' };

  function isSession(cookie: string | undefined, needsKey: boolean): boolean {
    if (cookie === undefined) return false;
    if (!needsKey) return access.sessions.hasCookie(cookie);
    const key = headers[SESSION_HEADER] ?? streamKey(url);
    return typeof key === 'string' && access.sessions.admits(cookie, key);
  }
}

/** Cookies ignore ports, so two Graft processes on one machine need two names. */
export function cookieName(port: number): string {
  return `graft_${port}`;
}

export function loginCookie(port: number, cookie: string): string {
  return `${cookieName(port)}=${cookie}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_SECONDS}`;
}

export function endedCookie(port: number): string {
  return `${cookieName(port)}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`;
}

/** EventSource sends no header of ours; tRPC puts what it has to say into the address. */
function streamKey(url: URL): string | undefined {
  try {
    const params: unknown = JSON.parse(url.searchParams.get('connectionParams') ?? 'null');
    const key: unknown = params === null || typeof params !== 'object' ? undefined : Reflect.get(params, SESSION_NAME);
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Browsers send Origin with every cross-origin request and every one that is not GET; programs with a bearer token need
 * not.
 */
function isOwnPage(headers: IncomingHttpHeaders, hosts: string[], method: string, bearer: boolean): boolean {
  if (headers.origin !== undefined) return hosts.some((host) => headers.origin === `http://${host}`);
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return bearer || method === 'GET' || method === 'HEAD';
}

function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

export function sameToken(got: string, want: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(got), digest(want));
}

function refuse(status: 401 | 403, message: string): Extract<Verdict, { kind: 'refuse' }> {
  return { kind: 'refuse', status, message };
}
