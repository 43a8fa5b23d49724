/** A model in a worker process of its own that answers conversations, as the playground's does. */
import type { BackendName } from '../../../src-shared/backends.ts';
import type { Workers } from '../workers/client.ts';
import type { Ask } from './draftPair.ts';

export interface AskedModel {
  ask: Ask;
  /** Ends the process; an answer under way fails. */
  end: () => void;
}

export async function askModel(
  workers: Workers,
  { engine, modelDir, adapterDir }: { engine: BackendName; modelDir: string; adapterDir: string | null },
): Promise<AskedModel> {
  const client = workers.spawn();
  const end = (): void => client.kill();
  try {
    await client.call('load', { engine, modelDir }).promise;
    if (adapterDir !== null) await client.call('attach', { adapterDir }).promise;
  } catch (error) {
    end();
    throw error;
  }
  const ask: Ask = async (messages, maxNew) => {
    const params = { prompt: '', messages, maxNew, temperature: 0 };
    return (await client.call('generate', params).promise).text;
  };
  return { ask, end };
}
