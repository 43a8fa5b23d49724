/**
 * Requests of a service on their way: they wait for their turn, as many as fit are answered at once, and one whose
 * client goes away makes room for the next.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import type { AnswerPiece, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import type { ServedRequest, ServingFailure } from '../../../src-shared/serving.ts';
import type { WorkerClient } from '../workers/client.ts';
import { FairQueue } from './fairQueue.ts';
import type { Answerer } from './served.ts';

/** Answers under way at once, and requests that may wait beside them. */
const MOST_TOGETHER = 32;
const MOST_WAITING = 256;
const FAILURES_KEPT = 20;
const REQUESTS_SHOWN = 50;
/** Bounds of what a client is told to wait before it asks again. */
const LONGEST_RETRY_S = 60;

export interface Asked {
  /** Who asks; clients take turns. */
  client: string;
  answerer: Answerer;
  params: GenerateParams;
  onPiece(piece: AnswerPiece): void;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

interface Ticket extends Asked {
  id: number;
  startedAt: Date;
  status: ServedRequest['status'];
  tokensPerSecond: number;
  begin(): void;
  refuse(error: GraftError): void;
}

export interface DeskFigures {
  requests: ServedRequest[];
  answering: number;
  waiting: number;
  tokensPerSecond: number;
  answered: number;
  tokens: number;
  failures: ServingFailure[];
}

export class RequestDesk {
  readonly #ready: () => Promise<WorkerClient>;
  readonly #changed: () => void;
  readonly #queue = new FairQueue<Ticket>();
  /** Waiting and under way, in the order in which they came. */
  readonly #tickets = new Set<Ticket>();
  #answering = 0;
  #nextId = 1;
  #answered = 0;
  #tokens = 0;
  #failures: ServingFailure[] = [];
  /** Of the last answers, how long each took. */
  #meanMs = 0;

  constructor(ready: () => Promise<WorkerClient>, changed: () => void) {
    this.#ready = ready;
    this.#changed = changed;
  }

  get figures(): DeskFigures {
    const tickets = [...this.#tickets];
    return {
      requests: tickets.slice(0, REQUESTS_SHOWN).map((ticket) => ({
        id: ticket.id,
        model: ticket.answerer.name,
        adapter: ticket.answerer.adapter?.name ?? null,
        status: ticket.status,
        startedAt: ticket.startedAt.toISOString(),
        tokensPerSecond: ticket.tokensPerSecond,
      })),
      answering: this.#answering,
      waiting: this.#queue.size,
      tokensPerSecond: tickets.reduce((sum, ticket) => sum + ticket.tokensPerSecond, 0),
      answered: this.#answered,
      tokens: this.#tokens,
      failures: this.#failures,
    };
  }

  /**
   * Throws SERVING_BUSY where too many wait, CANCELLED where the client has gone while it waited, and what the worker
   * throws.
   */
  async ask(asked: Asked): Promise<GenerateResult> {
    const ticket = await this.#turn(asked);
    try {
      const result = await this.#answer(ticket);
      this.#answered++;
      this.#tokens += result.tokens;
      const tookMs = Date.now() - ticket.startedAt.getTime();
      this.#meanMs = this.#meanMs === 0 ? tookMs : 0.9 * this.#meanMs + 0.1 * tookMs;
      return result;
    } finally {
      this.#tickets.delete(ticket);
      this.#answering--;
      this.#next();
      this.#changed();
    }
  }

  /** Remembers why a request failed; null: it named no model. */
  note(model: string | null, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#failures = [{ at: new Date().toISOString(), model, message }, ...this.#failures].slice(0, FAILURES_KEPT);
    this.#changed();
  }

  /** Refuses all that wait. */
  close(error: GraftError): void {
    for (let ticket = this.#queue.take(); ticket; ticket = this.#queue.take()) ticket.refuse(error);
  }

  /** Resolves when it is this request's turn. */
  #turn(asked: Asked): Promise<Ticket> {
    if (this.#queue.size >= MOST_WAITING) return Promise.reject(busy(this.#retryAfterS()));
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        if (this.#queue.withdraw(ticket)) ticket.refuse(gone());
      };
      const ticket: Ticket = {
        ...asked,
        id: this.#nextId++,
        startedAt: new Date(),
        status: 'waiting',
        tokensPerSecond: 0,
        begin: () => {
          asked.signal.removeEventListener('abort', leave);
          ticket.status = 'answering';
          this.#answering++;
          resolve(ticket);
        },
        refuse: (error) => {
          asked.signal.removeEventListener('abort', leave);
          this.#tickets.delete(ticket);
          this.#changed();
          reject(error);
        },
      };
      if (asked.signal.aborted) return reject(gone());
      asked.signal.addEventListener('abort', leave);
      this.#tickets.add(ticket);
      this.#queue.push(asked.client, asked.answerer.name, ticket);
      this.#next();
      this.#changed();
    });
  }

  #next(): void {
    while (this.#answering < MOST_TOGETHER) {
      const ticket = this.#queue.take();
      if (!ticket) return;
      ticket.begin();
    }
  }

  async #answer(ticket: Ticket): Promise<GenerateResult> {
    const worker = await this.#ready();
    const { params, answerer, signal, onPiece } = ticket;
    if (signal.aborted) throw gone();
    const call = worker.call('answer', { ...params, adapterDir: answerer.adapter?.dir ?? null }, (piece) => {
      ticket.tokensPerSecond = piece.tokensPerSecond;
      this.#changed();
      onPiece(piece);
    });
    const stop = (): void => call.control('stop');
    signal.addEventListener('abort', stop);
    try {
      return await call.promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #retryAfterS(): number {
    const seconds = (this.#meanMs / 1000) * (this.#queue.size / MOST_TOGETHER);
    return Math.max(1, Math.min(LONGEST_RETRY_S, Math.ceil(seconds)));
  }
}

function busy(retryAfterS: number): GraftError {
  return new GraftError(
    'SERVING_BUSY',
    `${MOST_WAITING} requests wait already; ask again in ${retryAfterS} s, or send fewer at once.`,
    { retryAfterS },
  );
}

function gone(): GraftError {
  return new GraftError('CANCELLED', 'The client went away before its answer was ready.');
}
