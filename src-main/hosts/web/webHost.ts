/** The web host: the same pages and the same API as in Electron, on 127.0.0.1 only. */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { nodeHTTPRequestHandler } from '@trpc/server/adapters/node-http';
import type { AppRouter } from '../../api/router.ts';
import type { RequestContext } from '../../api/trpc.ts';
import { printable } from '../../../src-shared/printable.ts';
import { SESSION_NAME } from '../../../src-shared/session.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import { endedCookie, judge, loginCookie, parseTarget } from './guard.ts';
import type { Access } from './guard.ts';
import { Sessions } from './sessions.ts';
import { sendText, serveStatic } from './staticFiles.ts';
import { sendRefusedPage } from './refusedPage.ts';
import { receiveUpload } from './upload.ts';

export interface WebHost {
  port: number;
  /** Address with the token, which is another one after a sign-out. */
  readonly url: string;
  close(): Promise<void>;
}

export interface WebHostOptions {
  router: AppRouter;
  /** Built renderer. */
  rendererDir: string;
  /** First port to try, the next free one is taken; 0: any. */
  port: number;
  /** Where files go that are dropped on a page. */
  uploadsDir: string;
  /** Default: random. */
  token?: string | undefined;
  /** Where sessions are kept beyond this process; default: nowhere. */
  sessionsFile?: string | undefined;
  /** The token after everybody was signed out; default: random. */
  renewToken?: () => string;
  /** Told each error of the API that nobody expected. */
  onFault?: NonNullable<RequestContext['onFault']>;
  /** Told after everybody was signed out, when `url` is the new address. */
  onSignedOut?: (url: string) => void;
}

interface Served {
  options: WebHostOptions;
  access: Access;
  server: http.Server;
}

const API = '/api/trpc/';
const UPLOAD = '/api/upload';
const SIGN_OUT = '/api/sign-out';
const PORTS_TRIED = 50;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Throws GraftError NO_PORT when none of the ports is free. */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const sessions = new Sessions(options.sessionsFile);
  const access: Access = { token: options.token || randomToken(), port: 0, sessions };
  const server = http.createServer((req, res) => void answer(req, res, { options, access, server }));
  access.port = await listen(server, options.port);
  // A connection that cannot be accepted, for want of file handles, is that client's loss.
  server.on('error', report);
  return {
    port: access.port,
    get url() {
      return addressOf(access);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Whatever a request does to its handler, it gets an answer or its connection is closed; it never ends the process. */
async function answer(req: http.IncomingMessage, res: http.ServerResponse, served: Served): Promise<void> {
  // A connection that breaks off in the middle is no error of Graft's; without a listener it would be thrown.
  req.on('error', () => undefined);
  res.on('error', () => undefined);
  try {
    await handle(req, res, served);
  } catch (error) {
    report(error);
    if (res.headersSent) res.destroy();
    else sendText(res, 500, 'Graft could not answer this request; reload the page and try again.');
  }
}

async function handle(req: http.IncomingMessage, res: http.ServerResponse, served: Served): Promise<void> {
  const { options, access } = served;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) res.setHeader(name, value);
  const method = req.method ?? 'GET';
  const url = parseTarget(req.url);
  if (!url) return sendText(res, 400, 'This is no address of Graft; use the one that it printed.');
  const verdict = judge({ method, url, headers: req.headers }, access);
  if (verdict.kind === 'refuse') {
    if (verdict.forget) res.setHeader('set-cookie', endedCookie(access.port));
    const asPage =
      method === 'GET' && !url.pathname.startsWith('/api/') && (req.headers.accept ?? '').includes('text/html');
    return asPage
      ? sendRefusedPage(res, verdict.status, verdict.message)
      : sendText(res, verdict.status, verdict.message);
  }
  if (verdict.kind === 'login') {
    const { cookie, key } = access.sessions.open(verdict.formerCookie);
    res.writeHead(302, {
      // A fragment stays in the browser; the page keeps the key for itself.
      location: `/#${SESSION_NAME}=${key}`,
      'set-cookie': loginCookie(access.port, cookie),
      'cache-control': 'no-store',
    });
    return void res.end();
  }
  const { pathname } = url;
  if (pathname.startsWith(API)) {
    res.setHeader('cache-control', 'no-store');
    return nodeHTTPRequestHandler({
      router: options.router,
      req,
      res,
      path: pathname.slice(API.length),
      createContext: () => (options.onFault ? { onFault: options.onFault } : {}),
      maxBodySize: MAX_BODY_BYTES,
    });
  }
  if (pathname === UPLOAD && method === 'POST')
    return receiveUpload(
      req,
      res,
      { name: url.searchParams.get('name'), folder: url.searchParams.get('folder') },
      options.uploadsDir,
    );
  if (pathname === SIGN_OUT && method === 'POST') return signOutEverywhere(res, served);
  if (method !== 'GET' && method !== 'HEAD') return sendText(res, 405, 'Pages can only be read.');
  serveStatic(options.rendererDir, pathname, method === 'HEAD', res);
}

/** Ends every session and every open stream, and the token too, with which whoever knew it could come back. */
function signOutEverywhere(res: http.ServerResponse, { options, access, server }: Served): void {
  access.sessions.endAll();
  access.token = (options.renewToken ?? randomToken)();
  res.writeHead(204, { 'cache-control': 'no-store', connection: 'close' });
  res.end(() => server.closeAllConnections());
  options.onSignedOut?.(addressOf(access));
}

function addressOf({ port, token }: Access): string {
  return `http://127.0.0.1:${port}/?token=${token}`;
}

function randomToken(): string {
  return randomBytes(24).toString('base64url');
}

/** On the terminal, for whoever started Graft. */
export function report(error: unknown): void {
  process.stderr.write(`A request to the web host failed: ${printable(toErrorData(error).message)}\n`);
}

async function listen(server: http.Server, first: number): Promise<number> {
  const last = first === 0 ? 0 : Math.min(first + PORTS_TRIED - 1, 65_535);
  for (let port = first; port <= last; port++) {
    const bound = await tryListen(server, port);
    if (bound !== undefined) return bound;
  }
  throw new GraftError(
    'NO_PORT',
    `No port between ${first} and ${last} is free on 127.0.0.1; choose another with --port.`,
    { first, last },
  );
}

/** The port, or undefined when it is taken. */
function tryListen(server: http.Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    };
    server.once('error', onError).once('listening', onListening).listen(port, '127.0.0.1');
  });
}
