/**
 * What waits for its turn: clients take turns, and within each its tasks, so that nobody waits longer because another
 * one has sent more.
 */
export class FairQueue<T> {
  /** In the order of their next turns; no lane is empty. */
  readonly #clients = new Map<string, Map<string, T[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(client: string, task: string, item: T): void {
    const tasks = this.#clients.get(client) ?? new Map<string, T[]>();
    this.#clients.set(client, tasks);
    tasks.set(task, [...(tasks.get(task) ?? []), item]);
    this.#size++;
  }

  /** The next one, or undefined where nobody waits. */
  take(): T | undefined {
    const [client, tasks] = first(this.#clients) ?? [];
    if (client === undefined || !tasks) return undefined;
    const [task, [item, ...rest]] = first(tasks) as [string, [T, ...T[]]];
    toEnd(tasks, task, rest, rest.length > 0);
    toEnd(this.#clients, client, tasks, tasks.size > 0);
    this.#size--;
    return item;
  }

  /** Takes out one that does not wait any more; false where it did not. */
  withdraw(item: T): boolean {
    for (const [client, tasks] of this.#clients)
      for (const [task, items] of tasks) {
        if (!items.includes(item)) continue;
        const rest = items.filter((one) => one !== item);
        if (rest.length > 0) tasks.set(task, rest);
        else tasks.delete(task);
        if (tasks.size === 0) this.#clients.delete(client);
        this.#size--;
        return true;
      }
    return false;
  }
}

function first<V>(map: Map<string, V>): [string, V] | undefined {
  return map.entries().next().value;
}

function toEnd<V>(map: Map<string, V>, key: string, value: V, stays: boolean): void {
  map.delete(key);
  if (stays) map.set(key, value);
}
