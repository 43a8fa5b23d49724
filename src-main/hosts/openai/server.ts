/** OpenAI's API over HTTP: `/v1/chat/completions`, `/v1/completions`, `/v1/models`. */
import http from 'node:http';
import type { OpenServing, ServingDesk } from '../../app/serving/service.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { parseTarget } from '../web/guard.ts';
import { askedChat, askedCompletion } from './asked.ts';
import { readJson } from './body.ts';
import { admit, bracketed, type Access } from './guard.ts';
import { badRequest, refusalOf } from './refusals.ts';
import { respond } from './respond.ts';
import { chatShape, completionShape } from './shapes.ts';

/** A client has this long to send its request, headers and all. */
const REQUEST_MS = 30_000;
/** Of a model in a note of what went wrong. */
const LONGEST_NAME = 80;
const MOST_CONNECTIONS = 1024;

interface Received {
  req: http.IncomingMessage;
  res: http.ServerResponse;
  desk: ServingDesk;
  /** What the request names, once it has been read. */
  model: string | null;
}

type Handler = (received: Received, id: string) => Promise<void> | void;

const NO_EMBEDDINGS =
  'Embeddings are not served: the tasks of Graft write text; use a model that was made for embeddings.';

const ROUTES: readonly [method: string, path: RegExp, handler: Handler][] = [
  ['POST', /^\/v1\/chat\/completions$/, chat],
  ['POST', /^\/v1\/completions$/, complete],
  ['GET', /^\/v1\/models$/, listModels],
  ['GET', /^\/v1\/models\/(.+)$/, showModel],
  ['POST', /^\/v1\/embeddings$/, () => refuseRoute(NO_EMBEDDINGS, 'not_supported', 400)],
];

/** Throws SERVING_PORT where the port is taken. */
export const openServing: OpenServing = async (desk, { host, port, apiKey }) => {
  const access: Access = { host, port, apiKey };
  const server = http.createServer(
    { requestTimeout: REQUEST_MS },
    (req, res) => void answer({ req, res, desk, model: null }, access),
  );
  server.maxConnections = MOST_CONNECTIONS;
  access.port = await listen(server, host, port);
  // A connection that cannot be accepted is that client's loss.
  server.on('error', () => undefined);
  return {
    address: `http://${bracketed(host)}:${access.port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** Whatever a request does, it gets an answer or its connection is closed. */
async function answer(received: Received, access: Access): Promise<void> {
  const { req, res } = received;
  req.on('error', () => undefined);
  res.on('error', () => undefined);
  try {
    admit(req.headers, access);
    await route(received);
  } catch (error) {
    if (!res.destroyed && !isStranger(error)) received.desk.note(received.model, error);
    refuse(res, error);
  }
}

/** Who has no key, or comes from a web page, shall not fill the list of what went wrong. */
function isStranger(error: unknown): boolean {
  return [401, 403].includes(refusalOf(error).status);
}

async function route(received: Received): Promise<void> {
  const { method } = received.req;
  const path = parseTarget(received.req.url)?.pathname.replace(/\/+$/, '') ?? '';
  const found = ROUTES.map(([wanted, pattern, handler]) => ({ wanted, match: pattern.exec(path), handler })).filter(
    ({ match }) => match,
  );
  const here = found.find(({ wanted }) => wanted === method);
  if (here) return here.handler(received, here.match![1] ?? '');
  if (found[0]) return refuseRoute(`${path} takes ${found[0].wanted} only.`, 'method_not_allowed', 405);
  const known = '/v1/chat/completions, /v1/completions and /v1/models';
  return refuseRoute(`There is no ${path || '/'} here; this service has ${known}.`, 'unknown_url', 404);
}

async function chat(received: Received): Promise<void> {
  const { req, res, desk } = received;
  const request = askedChat(await readModel(received));
  await respond({ desk, res, client: clientOf(req), request, shape: chatShape, prompts: 1 });
}

async function complete(received: Received): Promise<void> {
  const { req, res, desk } = received;
  const { prompts, ...request } = askedCompletion(await readModel(received));
  await respond({ desk, res, client: clientOf(req), request, shape: completionShape(prompts), prompts });
}

/** The body, with the model that it names noted. */
async function readModel(received: Received): Promise<unknown> {
  const body = await readJson(received.req);
  const model: unknown = Reflect.get(Object(body), 'model');
  if (typeof model === 'string') received.model = model.slice(0, LONGEST_NAME);
  return body;
}

function listModels({ res, desk }: Received): void {
  sendJson(res, 200, { object: 'list', data: modelsOf(desk) });
}

function showModel({ res, desk }: Received, id: string): void {
  const name = decoded(id);
  const model = modelsOf(desk).find((one) => one.id === name);
  if (!model)
    throw badRequest(
      `There is no task "${name}" here; /v1/models lists what is served.`,
      'model',
      'model_not_found',
      404,
    );
  sendJson(res, 200, model);
}

/** Tasks that are answered; those of another base are not. */
function modelsOf(desk: ServingDesk) {
  const created = Math.floor(desk.startedAt.getTime() / 1000);
  return desk
    .tasks()
    .filter(({ refused }) => refused === null)
    .map(({ name }) => ({ id: name, object: 'model', created, owned_by: 'graft' }));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Programs of one machine are told apart by what they call themselves. */
function clientOf({ socket, headers }: http.IncomingMessage): string {
  return `${socket.remoteAddress ?? ''} ${headers['user-agent'] ?? ''}`;
}

function refuseRoute(message: string, code: string, status: number): never {
  throw badRequest(message, null, code, status);
}

function refuse(res: http.ServerResponse, error: unknown): void {
  if (res.destroyed) return;
  if (res.headersSent) return void res.destroy();
  const { status, body, retryAfterS } = refusalOf(error);
  if (retryAfterS !== undefined) res.setHeader('retry-after', String(retryAfterS));
  // A body that was not read to its end would be taken for the next request.
  if (!res.req.complete) res.setHeader('connection', 'close');
  sendJson(res, status, body);
}

function sendJson(res: http.ServerResponse, status: number, body: object): void {
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  res.end(JSON.stringify(body));
}

function listen(server: http.Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new GraftError(
          'SERVING_PORT',
          `Port ${port} of ${host} cannot be opened (${error.code ?? error.message}); end the program that has it, ` +
            'or choose another one.',
          { host, port },
        ),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
