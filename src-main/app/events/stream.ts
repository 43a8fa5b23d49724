/** Turns listeners and calls into an async iteration, the form that subscriptions of the API have. */

/** What `subscribe` delivers, until `isLast` says so or the caller goes away; the subscription is then ended. */
export async function* streamOf<E>(
  subscribe: (listener: (event: E) => void) => () => void,
  options: { first?: E[]; isLast: (event: E) => boolean; signal?: AbortSignal | undefined },
): AsyncGenerator<E, void, void> {
  const waiting: E[] = [...(options.first ?? [])];
  let wake: () => void = () => undefined;
  const unsubscribe = subscribe((event) => {
    waiting.push(event);
    wake();
  });
  const onAbort = (): void => wake();
  options.signal?.addEventListener('abort', onAbort);
  try {
    while (!options.signal?.aborted) {
      const event = waiting.shift();
      if (event === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      yield event;
      if (options.isLast(event)) return;
    }
  } finally {
    unsubscribe();
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Work under way that tells events; `ended` rejects with what it fails with. */
export interface Call {
  ended: Promise<unknown>;
  stop: () => void;
}

/** The events of a call until it has ended; its failure is thrown. A caller that goes away stops it. */
export async function* streamOfCall<E>(
  start: (tell: (event: E) => void) => Call,
  signal?: AbortSignal,
): AsyncGenerator<E, void, void> {
  type Told = { event: E } | { over: true; error?: unknown };
  const subscribe = (tell: (told: Told) => void): (() => void) => {
    let over = false;
    const { ended, stop } = start((event) => tell({ event }));
    ended
      .then(
        () => tell({ over: true }),
        (error: unknown) => tell({ over: true, error }),
      )
      .finally(() => (over = true));
    return () => {
      if (!over) stop();
    };
  };
  // Whoever has gone before it was his turn wants nothing to begin.
  if (signal?.aborted) return;
  for await (const told of streamOf<Told>(subscribe, { isLast: (one) => 'over' in one, signal })) {
    if ('event' in told) yield told.event;
    else if (told.error !== undefined) throw told.error;
  }
}
