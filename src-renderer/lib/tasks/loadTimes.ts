/** How long each base model took to load the last time, so that the next time can be told. Kept on this machine. */
import { formatDuration } from '../format.ts';

const KEY = 'graft.load-times';
type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** Notes how long a base took. */
export function rememberLoad(modelId: string, loadMs: number, store: Store = localStorage): void {
  store.setItem(KEY, JSON.stringify({ ...read(store), [modelId]: Math.round(loadMs) }));
}

/** `loads Starter first, about 1.2 s`; without the time where it was never loaded here. */
export function loadNote(model: { id: string; name: string }, store: Store = localStorage): string {
  const ms = read(store)[model.id];
  return `loads ${model.name} first${typeof ms === 'number' ? `, about ${formatDuration(ms)}` : ''}`;
}

function read(store: Store): Record<string, unknown> {
  try {
    const kept: unknown = JSON.parse(store.getItem(KEY) ?? '{}');
    return typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
