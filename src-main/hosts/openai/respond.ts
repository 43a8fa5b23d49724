/** Asks for the answers of one request and sends them, whole or as they grow. */
import type http from 'node:http';
import type { ServingDesk } from '../../app/serving/service.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { AnswerPiece, GenerateResult } from '../../../src-shared/generation.ts';
import type { AskedRequest } from './asked.ts';
import { EventStream } from './eventStream.ts';
import { refusalOf } from './refusals.ts';
import { reasonOf, usageOf, type Shape, type StreamShape } from './shapes.ts';

export interface Exchange {
  desk: ServingDesk;
  res: http.ServerResponse;
  /** Who asks, where the request itself does not say. */
  client: string;
  request: AskedRequest;
  shape: Shape;
  /** Different prompts among the questions. */
  prompts: number;
}

/** Throws before anything has been sent; later failures are sent as the last event. */
export async function respond(exchange: Exchange): Promise<void> {
  const { res, request } = exchange;
  const gone = new AbortController();
  res.on('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  try {
    if (request.stream) await respondInPieces(exchange, gone.signal);
    else await respondWhole(exchange, gone.signal);
  } catch (error) {
    // The answers to the other questions of the request are of no use any more.
    gone.abort();
    throw error;
  }
}

async function respondWhole(exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { res, request, shape } = exchange;
  const results = await Promise.all(request.questions.map((_, index) => ask(exchange, index, signal)));
  if (signal.aborted) return;
  res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(shape.whole(request.model, results, request.logprobs)));
}

async function respondInPieces(exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { res, request, shape, prompts } = exchange;
  const chunks = shape.stream(request.model, request.logprobs);
  let events: EventStream | undefined;
  // Until the first text a failure still has a status of its own.
  const open = (): EventStream => (events ??= new EventStream(res));
  try {
    const results = await Promise.all(
      request.questions.map((_, index) => new StreamedChoice(exchange, index, chunks, open).run(signal)),
    );
    if (signal.aborted) return;
    if (request.includeUsage) open().send(chunks.usage(usageOf(results, prompts)));
    open().send('[DONE]');
    open().end();
  } catch (error) {
    if (!events) throw error;
    if (!res.destroyed) exchange.desk.note(request.model, error);
    events.send(refusalOf(error).body);
    events.end();
  }
}

class StreamedChoice {
  readonly #exchange: Exchange;
  readonly #index: number;
  readonly #chunks: StreamShape;
  readonly #open: () => EventStream;
  #begun = false;
  /** Characters of the tokens sent so far. */
  #offset = 0;

  constructor(exchange: Exchange, index: number, chunks: StreamShape, open: () => EventStream) {
    this.#exchange = exchange;
    this.#index = index;
    this.#chunks = chunks;
    this.#open = open;
  }

  async run(signal: AbortSignal): Promise<GenerateResult> {
    const result = await ask(this.#exchange, this.#index, signal, (piece) => this.#send(piece, null));
    this.#send({ text: '', tokensPerSecond: 0 }, reasonOf(result));
    return result;
  }

  #send({ text, probabilities }: AnswerPiece, reason: 'stop' | 'length' | null): void {
    const events = this.#open();
    if (!this.#begun) for (const chunk of this.#chunks.begin(this.#index)) events.send(this.#framed(chunk));
    this.#begun = true;
    const piece = { index: this.#index, text, tokens: probabilities, offset: this.#offset, reason };
    this.#offset += probabilities?.reduce((sum, token) => sum + token.text.length, 0) ?? 0;
    events.send(this.#framed(this.#chunks.piece(piece)));
  }

  /** Where usage is asked for, it is null in every chunk but the last. */
  #framed(chunk: object): object {
    return this.#exchange.request.includeUsage ? { ...chunk, usage: null } : chunk;
  }
}

/** One answer. Throws CANCELLED where it was ended from outside while its client still waits. */
async function ask(
  { desk, client, request }: Exchange,
  index: number,
  signal: AbortSignal,
  onPiece: (piece: AnswerPiece) => void = () => undefined,
): Promise<GenerateResult> {
  const { model, user } = request;
  const params = request.questions[index]!;
  const asker = user === undefined ? client : `${client} ${user}`;
  const result = await desk.ask({ client: asker, model, params, onPiece, signal });
  if (result.stopReason === 'cancelled' && !signal.aborted)
    throw new GraftError('CANCELLED', 'The service was stopped before this answer had ended.');
  return result;
}
