import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRouter } from '../../api/router.ts';
import type { AppRouter } from '../../api/router.ts';
import { newId } from '../../app/ids.ts';
import { openBench } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';
import { runSpecSchema } from '../../../src-shared/runSpec.ts';
import { startWebHost } from './webHost.ts';
import type { WebHost } from './webHost.ts';

const TOKEN = 'a-token-for-tests';
let bench: TestBench;
let host: WebHost;
let rendererDir: string;
const bearer = { authorization: `Bearer ${TOKEN}` };

const origin = (): string => `http://127.0.0.1:${host.port}`;

/** As `fetch`, but sends the path as it is, with any Host. */
function get(
  rawPath: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .request({ host: '127.0.0.1', port: host.port, path: rawPath, headers, method }, (res) => {
        let body = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        res.on('error', reject);
        res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers, body }));
      })
      .on('error', reject)
      .end();
  });
}

beforeEach(async () => {
  bench = openBench();
  rendererDir = path.join(bench.dir, 'renderer');
  host = await startWebHost({
    router: createRouter(bench.services),
    rendererDir,
    uploadsDir: bench.services.home.uploadsDir,
    port: 0,
    token: TOKEN,
  });
});

afterEach(async () => {
  await host.close();
  await bench.close();
});

function build(): void {
  fs.mkdirSync(path.join(rendererDir, 'assets'), { recursive: true });
  fs.writeFileSync(path.join(rendererDir, 'index.html'), '<title>Graft</title>');
  fs.writeFileSync(path.join(rendererDir, 'assets', 'x.js'), 'let x;');
  fs.writeFileSync(path.join(bench.dir, 'secret.txt'), 'secret');
  fs.symlinkSync(path.join(bench.dir, 'secret.txt'), path.join(rendererDir, 'link.txt'));
}

describe('pages', () => {
  /** As a browser does it with the printed address: the cookie, and the key from the fragment. */
  async function login() {
    const answer = await get(new URL(host.url).pathname + new URL(host.url).search);
    const key = /^\/#graft-session=([\w-]{32})$/.exec(answer.headers.location!)![1]!;
    const set = answer.headers['set-cookie']![0]!;
    return { answer, set, headers: { cookie: set.split(';')[0]!, 'x-graft-session': key }, key };
  }

  it('the printed address opens a session with which the page loads and calls', async () => {
    build();
    const { answer, set, headers } = await login();
    expect(answer.status).toBe(302);
    expect(set).toMatch(/; HttpOnly; SameSite=Strict; Path=\/; Max-Age=2592000$/);
    expect(set + answer.headers.location!).not.toContain(TOKEN);
    const page = await get('/', { cookie: headers.cookie });
    expect(page).toMatchObject({
      status: 200,
      body: '<title>Graft</title>',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'self';(?!.*script-src)/);
    expect((await get('/api/trpc/models.list', headers)).status).toBe(200);
  });

  it('what a neighbour port is sent opens no call, and our own page that lost its key drops the cookie', async () => {
    build();
    const { headers } = await login();
    const { cookie } = headers;
    const secret = cookie.split('=')[1]!;
    expect((await get('/api/trpc/models.list', { cookie })).status).toBe(401);
    expect((await get('/api/trpc/models.list', { authorization: `Bearer ${secret}` })).status).toBe(401);
    expect((await get(`/?token=${secret}`)).status).toBe(401);
    const neighbour = await get('/api/trpc/models.list', { cookie, 'sec-fetch-site': 'same-site' });
    expect(neighbour.headers['set-cookie']).toBeUndefined();
    const own = await get('/api/trpc/models.list', { cookie, 'sec-fetch-site': 'same-origin' });
    expect(own.headers['set-cookie']![0]).toMatch(/=; .*Max-Age=0$/);
  });

  it('signing out everywhere ends sessions, streams and the token', async () => {
    build();
    const { headers } = await login();
    const stream = get('/api/trpc/system.activity', { ...headers, accept: 'text/event-stream' }).catch(() => 'ended');
    expect((await get('/api/sign-out', headers, 'POST')).status).toBe(403);
    const done = await get('/api/sign-out', { ...headers, origin: origin() }, 'POST');
    expect(done.status).toBe(204);
    expect(await stream).toBe('ended');
    expect((await get('/', { cookie: headers.cookie })).status).toBe(401);
    expect((await get('/api/trpc/models.list', headers)).status).toBe(401);
    expect((await get('/', bearer)).status).toBe(401);
    expect(host.url).not.toContain(TOKEN);
    expect((await get(`/${new URL(host.url).search}`)).status).toBe(302);
  });

  it('refuses without the token, and a foreign Host or Origin', async () => {
    build();
    expect((await get('/')).status).toBe(401);
    expect((await get('/api/trpc/models.list')).status).toBe(401);
    expect((await get('/', { ...bearer, host: 'evil.example' })).status).toBe(403);
    expect((await get('/api/trpc/models.list', { ...bearer, origin: 'http://evil.example' })).status).toBe(403);
    expect((await get('/api/trpc/models.list', { ...bearer, origin: origin() })).status).toBe(200);
  });

  it('tells a browser without the cookie how to get in, and a program in a line', async () => {
    build();
    const page = await get('/', { accept: 'text/html,*/*' });
    expect(page).toMatchObject({
      status: 401,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: expect.stringMatching(/Open that address in this browser once/) as string,
    });
    expect(page.body).not.toContain(TOKEN);
    expect((await get('/api/trpc/models.list', { accept: 'text/html' })).headers['content-type']).toMatch(
      /text\/plain/,
    );
    expect((await get('/')).body).toBe('Open the address with the token that Graft printed when it started.\n');
  });

  it('says what to do where the pages are not built', async () => {
    expect(await get('/', bearer)).toMatchObject({ status: 503, body: expect.stringMatching(/npm run build/) });
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//../secret.txt',
    '/link.txt',
    '/%00',
    '/%zz',
    '/assets',
    '/nothing.js',
  ])('%s leads nowhere', async (rawPath) => {
    build();
    const answer = await get(rawPath, bearer);
    expect(answer.status).toBe(404);
  });

  it('takes the next port when the first is taken', async () => {
    const second = await startWebHost({
      router: createRouter(bench.services),
      rendererDir,
      uploadsDir: bench.services.home.uploadsDir,
      port: host.port,
    });
    expect(second.port).toBeGreaterThan(host.port);
    expect(new URL(second.url).searchParams.get('token')).toMatch(/^[\w-]{32}$/);
    await second.close();
  });
});

describe('API', () => {
  const client = () =>
    createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${origin()}/api/trpc`, headers: bearer })] });

  it('answers queries and changes', async () => {
    expect(await client().system.info.query()).toMatchObject({
      home: bench.home,
      host: 'web',
      platform: process.platform,
    });
    const task = await client().tasks.create.mutate({ name: 'colours' });
    expect(await client().tasks.list.query()).toEqual([task]);
  });

  it('hands a failure over as one sentence with its facts, never a stack', async () => {
    const error = await client()
      .models.add.mutate({ dir: path.join(bench.dir, 'nowhere') })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TRPCClientError);
    const { data, message } = error as TRPCClientError<AppRouter>;
    expect(message).toMatch(/nowhere does not exist; check the path/);
    expect(data).toMatchObject({ httpStatus: 404, graft: { code: 'CHECKPOINT_NOT_FOUND', message } });
    expect(data).not.toHaveProperty('stack');
  });

  it('names the value that does not fit', async () => {
    const error = await client()
      .tasks.create.mutate({ name: '' })
      .catch((e: unknown) => e);
    expect((error as TRPCClientError<AppRouter>).data).toMatchObject({
      httpStatus: 400,
      graft: { code: 'BAD_INPUT', kind: 'usage', message: expect.stringMatching(/^name: /) },
    });
  });

  it('streams a run as server-sent events and ends with it', async () => {
    const id = newId('run');
    const spec = runSpecSchema.parse({
      runId: id,
      model: { dir: '/m', hash: 'h' },
      data: { file: '/f' },
      task: 't',
      method: { type: 'lora' },
      train: {},
      runDir: bench.services.home.runDir(id),
      outDir: '/o',
    });
    const run = {
      id,
      name: 'r',
      taskId: null,
      modelId: null,
      datasetId: null,
      spec,
      started: null,
      error: null,
      result: null,
      ownerPid: null,
      pid: null,
      createdAt: '2026-01-01',
      startedAt: null,
      endedAt: null,
    };
    bench.services.catalog.runs.insert({ ...run, status: 'stopped' });
    const answer = await get(`/api/trpc/runs.watch?input=${encodeURIComponent(JSON.stringify({ id }))}`, {
      ...bearer,
      accept: 'text/event-stream',
    });
    expect(answer.headers['content-type']).toMatch(/text\/event-stream/);
    const data = [...answer.body.matchAll(/^data: (.+)$/gm)].map(
      (match) => JSON.parse(match[1]!) as { type?: string; run?: { id: string; status: string } },
    );
    expect(data).toContainEqual(
      expect.objectContaining({ type: 'status', run: expect.objectContaining({ id, status: 'stopped' }) }),
    );
    expect(answer.body).toMatch(/^event: return$/m);
  });
});
