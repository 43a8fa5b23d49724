/**
 * Requests to the hub and to the stores that it refers to. The token goes to the hub's own origin and nowhere else,
 * redirects are followed by hand and counted, and nothing is waited for without a limit.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GraftError, usageError } from '../../src-shared/errors.ts';
import { refusalOf, unreachable, type Asked } from './refusals.ts';

/** How patient we are. */
export interface Patience {
  /** From a request to the head of its answer. */
  answerMs: number;
  /** Between two pieces of an answer. */
  pieceMs: number;
  /** Tries in a row that bring nothing before we give up. */
  tries: number;
  /** Before the second try; doubled before each further one. */
  backoffMs: number;
}

export const PATIENCE: Patience = { answerMs: 30_000, pieceMs: 60_000, tries: 5, backoffMs: 500 };

export interface Connection {
  /** Without a slash at its end. */
  endpoint: string;
  token: string | undefined;
  signal?: AbortSignal | undefined;
  patience: Patience;
  /** For the sentences of errors. */
  asked: Asked;
}

/** A connection that was cut, an answer that did not come, a server that is ill: another try may help. */
export class Cut extends Error {
  readonly waitMs: number | undefined;
  constructor(message: string, options: { cause?: unknown; waitMs?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
  }
}

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** The largest answer of the API: a page of a listing has 1000 files. */
const ANSWER_BYTES = 16 << 20;
const LONGEST_WAIT_MS = 60_000;

/** `HF_ENDPOINT`, else Hugging Face itself. Throws a usage error HUB_SOURCE. */
export function hubEndpoint(env: NodeJS.ProcessEnv = process.env): string {
  const text = env['HF_ENDPOINT']?.trim() || 'https://huggingface.co';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw usageError('HUB_SOURCE', 'HF_ENDPOINT is no address of a hub; give one such as https://huggingface.co.');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Whether what is sent there can be read on the way: plain http to another machine. */
function isReadable(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** Throws HUB_INSECURE where a token would go over plain http to another machine. */
export function assertSecret({ endpoint, token }: Pick<Connection, 'endpoint' | 'token'>): void {
  if (token !== undefined && isReadable(endpoint))
    throw new GraftError(
      'HUB_INSECURE',
      `${endpoint} is not encrypted, so your token is not sent there; set HF_ENDPOINT to an https address.`,
      { endpoint },
    );
}

/**
 * The answer behind all redirects, its body unread. `elsewhere`: whether other hosts may answer, as the stores of large
 * files do. Throws Cut, HUB_ANSWER or CANCELLED.
 */
export async function ask(
  hub: Connection,
  url: string,
  init: RequestInit,
  { elsewhere }: { elsewhere: boolean },
): Promise<Response> {
  assertSecret(hub);
  const home = new URL(hub.endpoint);
  let at = new URL(url);
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (at.origin !== home.origin && !elsewhere)
      throw wrongAnswer(hub, `sends a request for ${hub.asked.what} to another host, ${at.host}`);
    if (at.protocol !== 'https:' && at.protocol !== home.protocol)
      throw wrongAnswer(hub, `sends a request for ${hub.asked.what} to ${at.protocol}//${at.host}, not encrypted`);
    const headers = new Headers(init.headers);
    headers.delete('authorization');
    if (at.origin === home.origin && hub.token !== undefined) headers.set('authorization', `Bearer ${hub.token}`);
    const answer = await answered(hub, at, { ...init, headers, redirect: 'manual' });
    const location = REDIRECTS.has(answer.status) ? answer.headers.get('location') : null;
    if (location === null) return answer;
    await answer.body?.cancel();
    if (!URL.canParse(location, at.href)) throw wrongAnswer(hub, `redirects ${hub.asked.what} to no address`);
    if (init.method !== undefined && init.method !== 'GET' && answer.status < 307)
      throw wrongAnswer(hub, `redirects what is sent to ${hub.asked.what}`);
    at = new URL(location, at);
  }
  throw wrongAnswer(hub, `redirects ${hub.asked.what} more than ${MOST_REDIRECTS} times`);
}

async function answered(hub: Connection, at: URL, init: RequestInit): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), hub.patience.answerMs);
  try {
    const signals = [late.signal, init.signal, hub.signal].filter((signal) => signal !== undefined && signal !== null);
    return await fetch(at.href, { ...init, signal: AbortSignal.any(signals) });
  } catch (cause) {
    throwIfCancelled(hub);
    throw new Cut(late.signal.aborted ? `${at.host} does not answer` : `${at.host} cannot be reached`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Pieces of a body as they come. Throws Cut where none comes any more, or CANCELLED. */
export async function* pieces(hub: Connection, answer: Response): AsyncGenerator<Uint8Array, void, void> {
  const reader = answer.body?.getReader();
  if (!reader) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Cut('nothing came any more')), hub.patience.pieceMs);
      });
      const { done, value } = await Promise.race([reader.read(), late]);
      clearTimeout(timer);
      if (done) return;
      yield value as Uint8Array;
    }
  } catch (cause) {
    throwIfCancelled(hub);
    throw cause instanceof Cut || cause instanceof GraftError ? cause : new Cut('the connection was cut', { cause });
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined);
  }
}

/** Throws a Cut for an answer after which another try may help, the refusal in words for any other that is not ok. */
export function assertOk(hub: Connection, answer: Response): void {
  if (answer.ok) return;
  void answer.body?.cancel().catch(() => undefined);
  if (answer.status === 429 || answer.status === 408 || answer.status >= 500)
    throw new Cut(`it answered ${answer.status}`, { waitMs: waitWished(answer) });
  throw refusalOf(answer, hub.asked, { endpoint: hub.endpoint, hasToken: hub.token !== undefined });
}

function waitWished(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get('retry-after'));
  return seconds > 0 ? Math.min(1000 * seconds, LONGEST_WAIT_MS) : undefined;
}

/**
 * Runs `work` until it succeeds. `hasMoved`: whether the last try brought something, after which the tries count anew.
 * Throws what is no Cut, or HUB_UNREACHABLE.
 */
export async function patiently<T>(
  hub: Connection,
  work: () => Promise<T>,
  hasMoved: () => boolean = () => false,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      throwIfCancelled(hub);
      if (!(error instanceof Cut)) throw error;
      if (hasMoved()) tries = 1;
      if (tries >= hub.patience.tries) throw unreachable(hub.endpoint, hub.asked, error);
      const waitMs = error.waitMs ?? hub.patience.backoffMs * 2 ** (tries - 1);
      await sleep(waitMs, undefined, hub.signal ? { signal: hub.signal } : {}).catch(() => throwIfCancelled(hub));
    }
  }
}

/**
 * `fetch` for the hub's library: the hub's own answers, bounded, refusals already in words. What only reads is tried
 * again; `elsewhere` as in `ask`, for uploads.
 */
export function fetchFor(hub: Connection, { elsewhere }: { elsewhere: boolean } = { elsewhere: false }): typeof fetch {
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const isRead = (init.method ?? 'GET') === 'GET';
    const once = async (): Promise<Response> => {
      const answer = await ask(hub, url, init, { elsewhere: elsewhere && !isRead });
      assertOk(hub, answer);
      return whole(hub, answer);
    };
    return patiently(isRead ? hub : { ...hub, patience: { ...hub.patience, tries: 1 } }, once);
  };
}

async function whole(hub: Connection, answer: Response): Promise<Response> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of pieces(hub, answer)) {
    sizeBytes += piece.length;
    if (sizeBytes > ANSWER_BYTES) throw wrongAnswer(hub, `answers about ${hub.asked.what} without end`);
    parts.push(piece);
  }
  const { status, statusText, headers } = answer;
  return new Response(status === 204 ? null : Buffer.concat(parts), { status, statusText, headers: plain(headers) });
}

/** The body is unpacked and whole by now. */
function plain(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) kept.delete(name);
  return kept;
}

export function wrongAnswer(hub: Pick<Connection, 'endpoint'>, what: string): GraftError {
  return new GraftError('HUB_ANSWER', `${new URL(hub.endpoint).host} ${what}; check HF_ENDPOINT, or try again later.`, {
    endpoint: hub.endpoint,
  });
}

export function throwIfCancelled({ signal }: Pick<Connection, 'signal'>): void {
  if (signal?.aborted)
    throw new GraftError('CANCELLED', 'This was called off; what has come so far is kept, so start it again to go on.');
}
