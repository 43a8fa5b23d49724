/** Turns listeners into an async iteration, the form that tRPC subscriptions have. */

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
