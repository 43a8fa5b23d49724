/** Whatever bytes arrive at the web host's port, the process lives and answers the next call. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRouter } from '../../api/router.ts';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { Random } from '../../../src-shared/random.ts';
import { startWebHost, type WebHost } from './webHost.ts';

const TOKEN = 'a-token-for-tests';
const BEARER = `Authorization: Bearer ${TOKEN}\r\n`;
let bench: TestBench;
let host: WebHost;
beforeAll(async () => {
  bench = openBench();
  const rendererDir = path.join(bench.dir, 'renderer');
  fs.mkdirSync(rendererDir);
  fs.writeFileSync(path.join(rendererDir, 'index.html'), '<title>Graft</title>');
  fs.symlinkSync('circle', path.join(rendererDir, 'circle'));
  const { uploadsDir } = bench.services.home;
  host = await startWebHost({ router: createRouter(bench.services), rendererDir, uploadsDir, port: 0, token: TOKEN });
});
afterAll(async () => {
  await host.close();
  await bench.close();
});

/** Sends bytes as they are and half-closes; what came back until the host closed or had answered once. */
function send(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(host.port, '127.0.0.1', () => socket.end(bytes));
    let got = '';
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1');
      if (got.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
  });
}

const get = (target: string, headers = BEARER) =>
  send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${host.port}\r\n${headers}\r\n`);
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);

async function expectAlive(): Promise<void> {
  const answer = await get('/api/trpc/models.list');
  expect(statusOf(answer)).toBe(200);
}

it.each([
  ['/\\[', 404],
  ['/[', 404],
  ['//[::', 404],
  ['\\\\[', 400],
  [`/${'a'.repeat(300)}`, 404],
  [`/${'a/'.repeat(3000)}`, 404],
  ['/%00', 404],
  ['/%zz', 404],
  ['/%ff%fe', 404],
  ['/circle', 404],
  ['/circle/index.html', 404],
  ['/index.html/x', 404],
  ['http://[evil/', 404],
  ['*', 404],
  ['/api/trpc/', 404],
  ['/api/trpc/%zz', 400],
  ['/api/trpc/system.browse?input=%zz', 400],
  ['/api/trpc/system.browse?batch=1&input={', 400],
  ['/api/trpc/constructor.prototype', 404],
  ['/api/trpc/__proto__', 404],
])('with the token, GET %s is %i', async (target, status) => {
  expect(statusOf(await get(target))).toBe(status);
  await expectAlive();
});

it.each(['/\\[', `/${'a'.repeat(300)}`, '/%zz', '*', '/api/trpc/x'])(
  'without the token, GET %s is 401',
  async (target) => expect(statusOf(await get(target, ''))).toBe(401),
);

it('a request that breaks off, and one that is answered before it has been sent, end nothing', async () => {
  const head = (name: string) => `POST ${name} HTTP/1.1\r\nHost: 127.0.0.1:${host.port}\r\n${BEARER}`;
  for (const bytes of [
    `${head('/api/trpc/models.add')}Content-Length: 100\r\n\r\n{`,
    `${head('/api/upload?name=a')}Content-Length: 100\r\n\r\nx`,
    `${head('/api/upload?name=%zz')}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `${head('/api/trpc/models.add')}Content-Length: 9999999999\r\n\r\n`,
    `${head('/api/trpc/models.add')}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  ])
    await send(bytes);
  await expectAlive();
});

const PIECES = [
  '/',
  '//',
  '\\',
  '[',
  ']',
  '%',
  '%00',
  '%2e%2e/',
  '%zz',
  '..',
  '?',
  '#',
  '@',
  ':',
  '*',
  'a'.repeat(300),
  'api/trpc/',
  'api/trpc/runs.list',
  'api/upload',
  'input=',
  'token=',
  '{"0":{"json":null}}',
  'index.html',
  'é',
  '\x01',
];
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'DELETE', 'CONNECT', 'PRI', 'get', ''];
const HEADERS = [
  'Host: evil.example',
  'Host: [',
  'Host:',
  'Origin: null',
  'Cookie: =;;=;graft',
  `Cookie: ${'a=b; '.repeat(2000)}`,
  `X-Long: ${'x'.repeat(20_000)}`,
  [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
  ].join('\r\n'),
  'Accept: text/event-stream',
  'Accept: text/html',
  'Expect: 100-continue',
  'Expect: nothing',
  'Transfer-Encoding: chunked',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Type: application/json',
  'Content-Type: multipart/form-data; boundary=',
  'Last-Event-ID: \xff',
  'Authorization: Bearer ',
  ': empty',
  'no colon',
];

/** A request of random parts; about half reach a handler. */
function randomRequest(random: () => number): Buffer {
  const pick = <T>(list: T[]): T => list[Math.floor(random() * list.length)]!;
  const several = <T>(list: T[], most: number): T[] =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, () => pick(list));
  const target = `/${several(PIECES, 5).join('')}`;
  const headers = [`Host: 127.0.0.1:${host.port}`, ...several(HEADERS, 3)];
  if (random() < 0.6) headers.push(BEARER.trim());
  const version = pick(['1.1', '1.1', '1.1', '1.0', '2.0', 'x']);
  const text = `${pick(METHODS)} ${target} HTTP/${version}\r\n${headers.join('\r\n')}\r\n\r\n`;
  const bytes = Buffer.from(text + several(PIECES, 3).join(''), 'latin1');
  if (random() < 0.2) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  // Several on one connection, the last cut off.
  return random() < 0.2 ? Buffer.concat([bytes, bytes, bytes.subarray(0, bytes.length >> 1)]) : bytes;
}

it('answers 400 random requests without a fault of its own', async () => {
  const stream = new Random(13);
  const random = (): number => stream.nextUint32() / 2 ** 32;
  for (let i = 0; i < 400; i++) {
    const request = randomRequest(random);
    const status = statusOf(await send(request));
    expect(status, `request ${i}: ${JSON.stringify(request.toString('latin1').slice(0, 400))}`).toBeLessThan(500);
  }
  await expectAlive();
});
