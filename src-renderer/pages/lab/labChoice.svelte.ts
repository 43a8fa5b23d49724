/** Which tool looks at which adapters, as the address of the page says. */
import { api, type AdapterView } from '../../lib/api.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { router } from '../../lib/router.svelte.ts';

export const TOOLS = [
  { value: 'spectrum', label: 'Spectrum' },
  { value: 'similarity', label: 'Similarity' },
  { value: 'amplification', label: 'Amplification' },
  { value: 'intruders', label: 'Intruders' },
  { value: 'compress', label: 'Compress' },
  { value: 'compose', label: 'Compose' },
] as const;
export type Tool = (typeof TOOLS)[number]['value'];

export class LabChoice {
  readonly lists = new Resource(async () => {
    const [adapters, tasks] = await Promise.all([api.adapters.list.query(), api.tasks.list.query()]);
    return { adapters: adapters.toReversed(), tasks };
  });
  #query: () => URLSearchParams;
  readonly tool = $derived.by((): Tool => {
    const wanted = this.#query().get('tool');
    return TOOLS.find(({ value }) => value === wanted)?.value ?? 'spectrum';
  });
  readonly adapters = $derived(this.lists.data?.adapters ?? []);
  readonly adapter = $derived.by(() => this.#find('adapter') ?? this.adapters[0]);
  /** Those of the same base. */
  readonly others = $derived(
    this.adapters.filter(({ id, baseHash }) => id !== this.adapter?.id && baseHash === this.adapter?.baseHash),
  );
  readonly other = $derived.by(() => {
    const wanted = this.#find('other');
    return this.others.find(({ id }) => id === wanted?.id) ?? this.others[0];
  });
  /** An adapter that the address names and nobody knows. */
  readonly missing = $derived.by(
    () => this.lists.data !== undefined && this.#query().has('adapter') && this.#find('adapter') === undefined,
  );

  constructor(query: () => URLSearchParams) {
    this.#query = query;
  }

  choose(changes: { tool?: Tool; adapter?: string; other?: string }): void {
    const kept = Object.fromEntries(this.#query());
    router.go('lab', undefined, { ...kept, ...changes });
  }

  #find(name: 'adapter' | 'other'): AdapterView | undefined {
    const id = this.#query().get(name);
    return this.adapters.find((adapter) => adapter.id === id);
  }
}
