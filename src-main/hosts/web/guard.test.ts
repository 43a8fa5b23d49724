import { describe, expect, it } from 'vitest';
import { cookieName, judge, parseTarget } from './guard.ts';
import type { GuardedRequest } from './guard.ts';
import { Sessions } from './sessions.ts';

const sessions = new Sessions();
const access = { token: 'right-token', port: 4917, sessions };
const host = '127.0.0.1:4917';
const session = sessions.open(undefined);
const cookie = `other=1; ${cookieName(4917)}=${session.cookie}`;
const own = { cookie, 'x-graft-session': session.key };
const other = sessions.open(undefined);
const inAddress = (key: string) => `connectionParams=${encodeURIComponent(JSON.stringify({ 'graft-session': key }))}`;

function verdict(url: string, headers: GuardedRequest['headers'], method = 'GET') {
  const result = judge({ url: parseTarget(url)!, method, headers }, access);
  return result.kind === 'refuse' ? result.status : result.kind;
}

describe('the web host lets in', () => {
  it.each([
    ['the page with the cookie', '/', { host, cookie }, 'GET'],
    ['the same by the name localhost', '/', { host: 'localhost:4917', cookie }, 'GET'],
    ['a program with the token', '/api/trpc/models.list', { host, authorization: 'Bearer right-token' }, 'GET'],
    ['a change from its own page', '/api/trpc/models.add', { host, ...own, origin: `http://${host}` }, 'POST'],
    ['a change by a program', '/api/trpc/models.add', { host, authorization: 'Bearer right-token' }, 'POST'],
    ['a query from its own page', '/api/trpc/models.list', { host, ...own, 'sec-fetch-site': 'same-origin' }, 'GET'],
    ['a stream to its own page', `/api/trpc/runs.watch?${inAddress(session.key)}`, { host, cookie }, 'GET'],
  ])('%s', (_name, url, headers, method) => expect(verdict(url, headers, method)).toBe('pass'));

  it('the address with the token, by setting the cookie', () =>
    expect(verdict('/?token=right-token', { host })).toBe('login'));
});

describe('the web host keeps out', () => {
  it.each([
    ['a request without a token', '/', { host }, 'GET', 401],
    ['a wrong token', '/?token=wrong', { host }, 'GET', 401],
    ['a wrong cookie', '/', { host, cookie: `${cookieName(4917)}=wrong` }, 'GET', 401],
    ['a query with the cookie alone', '/api/trpc/models.list', { host, cookie }, 'GET', 401],
    ['a query with the key alone', '/api/trpc/models.list', { host, 'x-graft-session': session.key }, 'GET', 401],
    ['a change with the cookie alone', '/api/trpc/models.add', { host, cookie, origin: `http://${host}` }, 'POST', 401],
    ['the cookie as the key', '/api/trpc/models.list', { ...own, host, 'x-graft-session': session.cookie }, 'GET', 401],
    ['the cookie as a bearer', '/', { host, authorization: `Bearer ${session.cookie}` }, 'GET', 401],
    ['the key as a bearer', '/', { host, authorization: `Bearer ${session.key}` }, 'GET', 401],
    ['the cookie as the token', `/?token=${session.cookie}`, { host }, 'GET', 401],
    ['the token as the cookie', '/', { host, cookie: `${cookieName(4917)}=right-token` }, 'GET', 401],
    ['a stream with a wrong key', `/api/trpc/runs.watch?${inAddress('wrong')}`, { host, cookie }, 'GET', 401],
    ['a stream with broken parameters', '/api/trpc/runs.watch?connectionParams={', { host, cookie }, 'GET', 401],
    ["another session's key", '/api/trpc/models.list', { ...own, host, 'x-graft-session': other.key }, 'GET', 401],
    ['the cookie of another port', '/', { host, cookie: `${cookieName(4918)}=${session.cookie}` }, 'GET', 401],
    ['a wrong bearer beside the right cookie', '/', { host, cookie, authorization: 'Bearer wrong' }, 'GET', 401],
    ['the token in the address of the API', '/api/trpc/models.list?token=right-token', { host }, 'GET', 401],
    ['another host name (DNS rebinding)', '/', { host: 'evil.example:4917', cookie }, 'GET', 403],
    ['another port', '/', { host: '127.0.0.1:80', cookie }, 'GET', 403],
    ['no host', '/', { cookie }, 'GET', 403],
    [
      'a change from another page',
      '/api/trpc/models.add',
      { host, ...own, origin: 'http://evil.example' },
      'POST',
      403,
    ],
    [
      'a change from another local server',
      '/api/trpc/models.add',
      { host, ...own, origin: 'http://127.0.0.1:8080' },
      'POST',
      403,
    ],
    ['a change without an origin', '/api/trpc/models.add', { host, ...own }, 'POST', 403],
    ['a change from a sandboxed frame', '/api/trpc/models.add', { host, ...own, origin: 'null' }, 'POST', 403],
    [
      'a query from another site',
      '/api/trpc/models.list',
      { host, ...own, 'sec-fetch-site': 'cross-site' },
      'GET',
      403,
    ],
  ])('%s', (_name, url, headers, method, status) => expect(verdict(url, headers, method)).toBe(status));
});
