/**
 * Whether Graft answers an open page, and the way back: after a first request without an answer it asks again every
 * second, and tells the page once there is one.
 */
import { api } from '../api.ts';
import { failureOf, type Failure } from '../stream.ts';

const PAUSE_MS = 1000;

export class Connection {
  lost = $state(false);
  /** An attempt is under way. */
  trying = $state(false);
  #back: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `back` is called each time that Graft answers again. */
  constructor(back: () => void) {
    this.#back = back;
  }

  /** Takes note of a failure; true when it means that Graft does not answer, so the page need not show it. */
  note(failure: Failure): boolean {
    if (failure.code !== 'NO_ANSWER') return false;
    if (!this.lost) this.#later();
    this.lost = true;
    return true;
  }

  /** Asks at once. */
  async retry(): Promise<void> {
    clearTimeout(this.#timer);
    this.trying = true;
    try {
      await api.system.info.query();
      this.lost = false;
      this.#back();
    } catch (error) {
      // Any other failure is an answer; whoever asks next shows it.
      if (failureOf(error).code === 'NO_ANSWER') this.#later();
      else this.lost = false;
    } finally {
      this.trying = false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #later(): void {
    this.#timer = setTimeout(() => void this.retry(), PAUSE_MS);
  }
}
