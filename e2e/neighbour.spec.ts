/**
 * A page of another port of this machine, in the browser in which Graft is open: cookies ignore ports, so it is sent
 * the cookie of Graft's session. It must not get anything for it.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ask, expect, goTo, test } from './fixtures.ts';

interface Task {
  name: string;
}

test('a page on a neighbouring port reads nothing, changes nothing, and ends nothing', async ({
  graft: page,
}, testInfo) => {
  testInfo.skip(testInfo.project.name === 'electron', 'In Electron there is no port.');
  const graft = new URL(page.url()).origin;
  let stolen = '';
  const neighbour = http.createServer((req, res) => {
    stolen ||= req.headers.cookie ?? '';
    res.setHeader('content-type', 'text/html').end('<title>neighbour</title>');
  });
  await new Promise<void>((resolve) => neighbour.listen(0, '127.0.0.1', resolve));
  const evil = await page.context().newPage();
  try {
    await evil.goto(`http://127.0.0.1:${(neighbour.address() as AddressInfo).port}/`);
    // The premise: without it this test would show nothing.
    expect(stolen).toMatch(/^graft_\d+=[\w-]{32}$/);

    const got = await evil.evaluate(async (graft) => {
      const change = { method: 'POST', body: '{"name":"stolen"}', credentials: 'include' } as const;
      const json = { 'content-type': 'application/json', 'x-graft-session': 'guess' };
      const read = (path: string, init: RequestInit = {}) =>
        fetch(graft + path, { credentials: 'include', ...init }).then(
          (answer) => `${answer.type} ${answer.status}`,
          () => 'blocked',
        );
      const loads = (src: string) =>
        new Promise<string>((resolve) => {
          const image = new Image();
          image.onload = () => resolve('loaded');
          image.onerror = () => resolve('blocked');
          image.src = src;
        });
      const stream = new Promise<string>((resolve) => {
        const source = new EventSource(`${graft}/api/trpc/system.activity`, { withCredentials: true });
        source.onopen = () => resolve('open');
        source.onerror = () => {
          source.close();
          resolve('blocked');
        };
      });
      return {
        read: await read('/api/trpc/tasks.list'),
        headerOfOurs: await read('/api/trpc/tasks.list', { headers: json }),
        change: await read('/api/trpc/tasks.create', { ...change, headers: json }),
        changeUnread: await read('/api/trpc/tasks.create', { ...change, mode: 'no-cors' }),
        signOut: await read('/api/sign-out', { method: 'POST', mode: 'no-cors' }),
        longImage: await loads(`${graft}/${'a'.repeat(300)}`),
        oddImage: await loads(`${graft}/%5c[`),
        stream: await stream,
        store: localStorage.getItem('graft-session'),
      };
    }, graft);
    expect(got).toEqual({
      read: 'blocked',
      headerOfOurs: 'blocked',
      change: 'blocked',
      changeUnread: 'blocked',
      signOut: 'blocked',
      longImage: 'blocked',
      oddImage: 'blocked',
      stream: 'blocked',
      store: null,
    });

    // The neighbour's server may send what it was sent, with any header; the browser does not stand in its way.
    const secret = stolen.split('=')[1]!;
    const tries: [string, Record<string, string>][] = [
      ['/api/trpc/tasks.list', { cookie: stolen }],
      ['/api/trpc/tasks.list', { cookie: stolen, 'x-graft-session': secret }],
      ['/api/trpc/tasks.list', { authorization: `Bearer ${secret}` }],
      [`/?token=${secret}`, {}],
    ];
    for (const [path, headers] of tries)
      expect((await fetch(graft + path, { headers, redirect: 'manual' })).status, path).toBe(401);
    expect((await ask<Task[]>(page, 'tasks.list')).map(({ name }) => name)).toEqual([]);

    await goTo(page, 'Settings');
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out everywhere' }).click();
    await expect(page.getByRole('heading', { name: 'This browser is not let in yet' })).toBeVisible();
    expect((await fetch(`${graft}/`, { headers: { cookie: stolen } })).status).toBe(401);
  } finally {
    await evil.close();
    neighbour.close();
  }
});
