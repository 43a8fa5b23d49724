/**
 * Who may talk to the web host. It serves one user on one machine: other users are kept out by the token, other web
 * pages in the same browser by Host (DNS rebinding), Origin and the SameSite cookie.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface GuardedRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

export interface Access {
  token: string;
  port: number;
}

export type Verdict =
  | { kind: 'pass' }
  /** The token came in the address: set the cookie and send the browser to `/`. */
  | { kind: 'login' }
  | { kind: 'refuse'; status: 401 | 403; message: string };

/** The address of a request line, whose host and port mean nothing; undefined where it is none, such as `/\\[`. */
export function parseTarget(target = '/'): URL | undefined {
  // An address such as `//x` is a path here, never another host. So is a backslash, which `URL` takes for a slash.
  const path = target.replace(/^[/\\]+/, '');
  return URL.parse(`http://127.0.0.1/${path}`) ?? undefined;
}

export function judge(request: GuardedRequest, access: Access): Verdict {
  const { headers, method } = request;
  const hosts = [`127.0.0.1:${access.port}`, `localhost:${access.port}`];
  if (!headers.host || !hosts.includes(headers.host))
    return refuse(403, `Graft answers only at http://${hosts[0]}; use the address that it printed.`);

  const { url } = request;
  const token = url.searchParams.get('token');
  if (method === 'GET' && url.pathname === '/' && token !== null) {
    return sameToken(token, access.token)
      ? { kind: 'login' }
      : refuse(401, 'This token is not valid any more; use the address that Graft printed at its last start.');
  }

  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  const cookie = readCookie(headers.cookie, cookieName(access.port));
  if (bearer ? !sameToken(bearer, access.token) : !cookie || !sameToken(cookie, access.token)) {
    return refuse(401, 'Open the address with the token that Graft printed when it started.');
  }

  const sensitive = (method !== 'GET' && method !== 'HEAD') || url.pathname.startsWith('/api/');
  return sensitive && !isOwnPage(headers, hosts, method, bearer !== undefined)
    ? refuse(403, "This request came from another web page; use Graft's own.")
    : { kind: 'pass' };
}

/** Cookies ignore ports, so two Graft processes on one machine need two names. */
export function cookieName(port: number): string {
  return `graft_${port}`;
}

export function loginCookie(access: Access): string {
  return `${cookieName(access.port)}=${access.token}; HttpOnly; SameSite=Strict; Path=/`;
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

function sameToken(got: string, want: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(got), digest(want));
}

function refuse(status: 401 | 403, message: string): Verdict {
  return { kind: 'refuse', status, message };
}
