/** Requests to a service, as clients send them. */
export interface Service {
  address: string;
  apiKey: string;
}

export interface AskedFor {
  model: string;
  prompt: string;
  maxTokens: number;
  /** Streamed, and broken off after its first event. */
  breaksOff?: boolean;
}

/** Sends one request; returns the tokens that were written. Throws where it is refused. */
async function ask(
  { address, apiKey }: Service,
  { model, prompt, maxTokens, breaksOff = false }: AskedFor,
): Promise<number> {
  const response = await fetch(`${address}/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt, max_tokens: maxTokens, temperature: 0, stream: breaksOff, ignore_eos: true }),
  });
  if (breaksOff) {
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    return 0;
  }
  const answer = (await response.json()) as { usage?: { completion_tokens: number }; error?: { message: string } };
  if (!answer.usage) throw new Error(answer.error?.message ?? `status ${response.status}`);
  return answer.usage.completion_tokens;
}

/** Asks for all of `requests`, `together` at once; `told` hears how many are done. Returns tokens and milliseconds. */
export async function askAll(
  service: Service,
  requests: AskedFor[],
  together: number,
  told: (done: number) => void = () => undefined,
): Promise<{ tokens: number; ms: number }> {
  const left = requests.entries();
  const started = performance.now();
  let tokens = 0;
  let done = 0;
  const client = async (): Promise<void> => {
    for (const [, request] of left) {
      // Not `tokens += await`, which would add to what stood there before the others were answered.
      const written = await ask(service, request);
      tokens += written;
      told(++done);
    }
  };
  await Promise.all(Array.from({ length: together }, client));
  return { tokens, ms: performance.now() - started };
}
