/** The service's HTTP by hand, with answers that are made up: what comes over the wire, and who is kept out. */
import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ServingDesk } from '../../app/serving/service.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { GenerateResult } from '../../../src-shared/generation.ts';
import { openServing } from './server.ts';

const KEY = 'a-key-for-tests';
const RESULT: GenerateResult = { text: 'ab', tokens: 2, promptTokens: 3, stopReason: 'length', tokensPerSecond: 1 };

let answer: ServingDesk['ask'];
/** Failures that the service was told of. */
let noted: [string | null, string][];
let server: Awaited<ReturnType<typeof openServing>>;
let port: number;

const desk: ServingDesk = {
  startedAt: new Date('2026-01-02T03:04:05Z'),
  tasks: () => [
    { name: 'base', taskId: null, adapter: null, refused: null },
    { name: 'a task/with signs', taskId: null, adapter: null, refused: null },
    { name: 'of another base', taskId: null, adapter: null, refused: 'It belongs to another base.' },
  ],
  ask: (asked) => answer(asked),
  note: (model, error) => void noted.push([model, (error as Error).message]),
};

beforeEach(async () => {
  noted = [];
  answer = async ({ onPiece }) => {
    onPiece({ text: 'a', tokensPerSecond: 1 });
    onPiece({ text: 'b', tokensPerSecond: 1 });
    return RESULT;
  };
  await open();
});

afterEach(() => server.close());

async function open(host = '127.0.0.1', apiKey: string | null = KEY): Promise<void> {
  server = await openServing(desk, { host, port: 0, apiKey });
  port = Number(new URL(server.address).port);
}

interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

function send(
  path: string,
  {
    method = 'POST',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers };
    const req = http.request({ host: '127.0.0.1', port, path, method, headers: all, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers, body: text }));
    });
    req.on('error', reject).end(body);
  });
}

const ask = (more: object = {}, path = '/v1/completions'): Promise<Reply> =>
  send(path, { body: JSON.stringify({ model: 'base', prompt: 'x', ...more }) });

const errorOf = ({ body }: Reply): { message: string; type: string; param: string | null; code: string | null } =>
  (JSON.parse(body) as { error: ReturnType<typeof errorOf> }).error;

it('streams server-sent events that end with [DONE]', async () => {
  const { status, headers, body } = await ask({ stream: true, stream_options: { include_usage: true } });
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
  const events = body.split('\n\n');
  expect(events.at(-1)).toBe('');
  expect(events.at(-2)).toBe('data: [DONE]');
  const chunks = events.slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')) as object);
  expect(chunks).toMatchObject([
    { choices: [{ index: 0, text: 'a', finish_reason: null }], usage: null },
    { choices: [{ index: 0, text: 'b', finish_reason: null }], usage: null },
    { choices: [{ index: 0, text: '', finish_reason: 'length' }], usage: null },
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
  ]);
});

it('a failure in the middle of a stream is its last event, one before has a status of its own', async () => {
  answer = async ({ onPiece }) => {
    onPiece({ text: 'a', tokensPerSecond: 1 });
    throw new GraftError('WORKER_CRASHED', 'It crashed; try again.');
  };
  const { status, body } = await ask({ stream: true });
  expect(status).toBe(200);
  const last = body.trim().split('\n\n').at(-1)!;
  expect(JSON.parse(last.replace(/^data: /, ''))).toEqual({
    error: { message: 'It crashed; try again.', type: 'server_error', param: null, code: 'model_gone' },
  });
  expect(noted).toEqual([['base', 'It crashed; try again.']]);
  answer = () => Promise.reject(new GraftError('SERVING_BUSY', 'Too many wait.', { retryAfterS: 7 }));
  const busy = await ask({ stream: true });
  expect(busy).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
  expect(errorOf(busy)).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
});

it('a client that goes away is told to whoever answers', async () => {
  const gone = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  answer = ({ signal }) => {
    signal.addEventListener('abort', () => gone.resolve());
    asked.resolve();
    return gone.promise.then(() => ({ ...RESULT, stopReason: 'cancelled' }));
  };
  const controller = new AbortController();
  const sent = fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'base', prompt: 'x' }),
    signal: controller.signal,
  });
  await asked.promise;
  controller.abort();
  await expect(sent).rejects.toThrow();
  await gone.promise;
});

it('a client that does not read what it is sent is given up', async () => {
  const gone = Promise.withResolvers<void>();
  answer = async ({ onPiece, signal }) => {
    signal.addEventListener('abort', () => gone.resolve());
    for (let sent = 0; sent < 64 && !signal.aborted; sent++) {
      onPiece({ text: 'x'.repeat(2 ** 20), tokensPerSecond: 1 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return RESULT;
  };
  const body = JSON.stringify({ model: 'base', prompt: 'x', stream: true });
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${KEY}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  socket.pause();
  await gone.promise;
  socket.destroy();
});

it('names of tasks may hold any sign, and tasks of another base are not listed', async () => {
  const { data } = JSON.parse((await send('/v1/models', { method: 'GET' })).body) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(['base', 'a task/with signs']);
  const one = await send('/v1/models/a%20task%2Fwith%20signs', { method: 'GET' });
  expect(JSON.parse(one.body)).toEqual({
    id: 'a task/with signs',
    object: 'model',
    created: 1_767_323_045,
    owned_by: 'graft',
  });
  expect((await send('/v1/models/%E0%A4%A', { method: 'GET' })).status).toBe(404);
});

it('says of a field what is wrong with it', async () => {
  const said = async (body: object) => errorOf(await ask(body)).message;
  expect(await said({ prompt: undefined })).toMatch(/^"prompt" /);
  expect(await said({ prompt: 'x', temperature: 'hot' })).toBe(
    '"temperature" is of type string, but number is needed.',
  );
  expect(await said({ prompt: 'x', max_tokens: -1 })).toBe('"max_tokens" is out of range; it must be >=0.');
  expect(await said({ prompt: 'x', model: undefined })).toBe('"model" is missing; give it as string.');
});

it.each<[string, () => Promise<Reply>, number, string | null]>([
  ['no key', () => send('/v1/models', { method: 'GET', headers: { authorization: '' } }), 401, 'missing_api_key'],
  [
    'a wrong key',
    () => send('/v1/models', { method: 'GET', headers: { authorization: 'Bearer x' } }),
    401,
    'invalid_api_key',
  ],
  [
    'another host',
    () => send('/v1/models', { method: 'GET', headers: { host: `evil.example:${port}` } }),
    403,
    'unknown_host',
  ],
  ['a web page', () => send('/v1/completions', { headers: { origin: 'https://evil.example' } }), 403, 'web_page'],
  [
    'a page without origin',
    () => send('/v1/models', { method: 'GET', headers: { 'sec-fetch-site': 'cross-site' } }),
    403,
    'web_page',
  ],
  [
    'a preflight',
    () => send('/v1/completions', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
    403,
    'web_page',
  ],
  ['another path', () => send('/v1/nothing'), 404, 'unknown_url'],
  ['a path that is none', () => send('/\\\\['), 404, 'unknown_url'],
  ['another method', () => send('/v1/completions', { method: 'GET' }), 405, 'method_not_allowed'],
  ['no JSON', () => send('/v1/completions', { body: '{' }), 400, 'invalid_json'],
  ['JSON that is no object', () => send('/v1/completions', { body: '[1]' }), 400, null],
  ['another type', () => send('/v1/completions', { headers: { 'content-type': 'text/plain' }, body: '{}' }), 415, null],
  [
    'a compressed body',
    () => send('/v1/completions', { headers: { 'content-encoding': 'gzip' }, body: '{}' }),
    415,
    null,
  ],
  ['too large a body', () => ask({ prompt: 'x'.repeat(2 ** 20) }), 413, 'request_too_large'],
  ['too many answers', () => ask({ prompt: Array<string>(5).fill('x'), n: 32 }), 400, null],
  ['a prompt that is no text', () => ask({ prompt: { a: 1 } }), 400, 'invalid_value'],
  ['embeddings', () => send('/v1/embeddings', { body: '{}' }), 400, 'not_supported'],
])('refuses %s in the shape of the API', async (_, request, status, code) => {
  const reply = await request();
  expect(reply.status).toBe(status);
  expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  expect(errorOf(reply)).toMatchObject({ type: 'invalid_request_error', code });
  expect(errorOf(reply).message).toMatch(/^\S.*\.$/);
  expect(noted).toHaveLength(status === 401 || status === 403 ? 0 : 1);
});

it('asks for no key where it was told so, and serves any name where other machines may come', async () => {
  await server.close();
  await open('127.0.0.1', null);
  expect((await send('/v1/models', { method: 'GET', headers: { authorization: '' } })).status).toBe(200);
  await server.close();
  await open('0.0.0.0');
  expect((await send('/v1/models', { method: 'GET', headers: { host: 'my-machine:1' } })).status).toBe(200);
  expect((await send('/v1/models', { method: 'GET', headers: { authorization: '' } })).status).toBe(401);
});

it('says that a port is taken', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port: number } = taken.address() as net.AddressInfo;
  await expect(openServing(desk, { host: '127.0.0.1', port: number, apiKey: KEY })).rejects.toMatchObject({
    code: 'SERVING_PORT',
    message: expect.stringContaining(String(number)) as string,
  });
  taken.close();
});
