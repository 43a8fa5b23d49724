/** Server-sent events to one client, which is given up when it does not read. */
import type http from 'node:http';

/** Some proxies and clients end a connection on which nothing comes. */
const QUIET_MS = 15_000;
/** What a client has not read yet; one that lets more pile up has gone. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;

export class EventStream {
  readonly #res: http.ServerResponse;
  readonly #quiet: NodeJS.Timeout;

  constructor(res: http.ServerResponse) {
    this.#res = res;
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#quiet = setInterval(() => res.write(': still at it\n\n'), QUIET_MS);
    res.on('close', () => clearInterval(this.#quiet));
  }

  send(data: object | '[DONE]'): void {
    this.#res.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
    if (this.#res.writableLength > MOST_UNREAD_BYTES) this.#res.destroy();
    this.#quiet.refresh();
  }

  end(): void {
    clearInterval(this.#quiet);
    this.#res.end();
  }
}
