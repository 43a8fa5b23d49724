/** Two adapters that answer as one, and how much of each. */
import type { HistoryRequest, PlaygroundState } from '../../lib/api.ts';
import type { Subject } from './subjects.ts';

/** Key of the mix among those who can answer; no id is like it. */
export const MIX = 'mix';

type Mixed = NonNullable<PlaygroundState['mix']>;

export class AdapterMix {
  /** Ids; empty: not chosen yet. */
  first = $state('');
  second = $state('');
  /** Of the second. */
  percent = $state(50);
  #subjects: () => readonly Subject[];
  /** Those who can be mixed. */
  readonly offered = $derived.by(() => this.#subjects().filter(({ kind }) => kind === 'adapter'));
  readonly complete = $derived(this.#has(this.first) && this.#has(this.second));
  readonly wanted = $derived<Mixed>({ adapterIds: [this.first, this.second], share: this.percent / 100 });
  readonly subject = $derived.by((): Subject => ({
    key: MIX,
    name: mixName(this.#nameOf(this.first), this.#nameOf(this.second), this.percent),
    detail: 'two adapters at once',
    kind: 'adapter',
    active: false,
    batched: false,
  }));

  constructor(subjects: () => readonly Subject[]) {
    this.#subjects = subjects;
  }

  /** Chooses the one that answers now and the next one, where nothing is chosen yet. */
  start(key: string): void {
    const ids = this.offered.map((one) => one.key);
    if (!this.#has(this.first)) this.first = ids.includes(key) ? key : (ids[0] ?? '');
    if (!this.#has(this.second)) this.second = ids.find((id) => id !== this.first) ?? '';
  }

  take({ adapterIds, share }: NonNullable<HistoryRequest['mix']>): void {
    [this.first, this.second] = adapterIds;
    this.percent = Math.round(share * 100);
  }

  isLike(other: Mixed | null | undefined): boolean {
    const { adapterIds, share } = this.wanted;
    return other?.share === share && adapterIds.every((id, i) => id === other.adapterIds[i]);
  }

  #has(id: string): boolean {
    return this.offered.some(({ key }) => key === id);
  }

  #nameOf(id: string): string {
    const found = this.offered.find(({ key }) => key === id);
    if (!found) return 'a removed adapter';
    return found.task && found.task !== found.name ? `${found.task}: ${found.name}` : found.name;
  }
}

/** Two of one name are told apart by their place. */
function mixName(first: string, second: string, percent: number): string {
  const [one, other] = first === second ? [`${first} (first)`, `${second} (second)`] : [first, second];
  return `${100 - percent} % ${one} + ${percent} % ${other}`;
}
