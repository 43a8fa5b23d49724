/** Whether animations are left out, beyond what the system asks for; remembered on this machine. */
const KEY = 'graft.reduceMotion';

class Motion {
  reduced = $state(localStorage.getItem(KEY) === 'yes');

  constructor() {
    this.#apply();
  }

  choose(reduced: boolean): void {
    this.reduced = reduced;
    if (reduced) localStorage.setItem(KEY, 'yes');
    else localStorage.removeItem(KEY);
    this.#apply();
  }

  #apply(): void {
    if (this.reduced) document.documentElement.dataset['motion'] = 'reduced';
    else delete document.documentElement.dataset['motion'];
  }
}

export const motion = new Motion();
