/** Short messages about what has just happened, each with at most one action (undo, open). */
interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'good' | 'bad';
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 7000;
/** Who must act has longer. */
const SHOWN_WITH_ACTION_MS = 12_000;
const MOST = 4;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #lastId = 0;

  /** Shows a message and returns its id; the oldest leaves when there are too many. */
  show(toast: { text: string; tone?: Toast['tone']; action?: Toast['action'] }): number {
    const id = ++this.#lastId;
    const shown = [...this.list, { tone: 'plain' as const, ...toast, id }];
    for (const old of shown.slice(0, -MOST)) this.hold(old.id);
    this.list = shown.slice(-MOST);
    this.release(id);
    return id;
  }

  close(id: number): void {
    this.hold(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Keeps a message as long as somebody is on it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  release(id: number): void {
    const toast = this.list.find((candidate) => candidate.id === id);
    if (!toast) return;
    this.hold(id);
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), toast.action ? SHOWN_WITH_ACTION_MS : SHOWN_MS),
    );
  }
}

export const toasts = new Toasts();
