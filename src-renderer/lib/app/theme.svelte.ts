/** Light, dark, or as the system says; remembered on this machine. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

const KEY = 'graft.theme';

class Theme {
  choice = $state<ThemeChoice>(THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'system');
  /** Grows with every change of colours, so that a canvas knows when to draw again. */
  version = $state(0);

  constructor() {
    this.#apply();
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.version += 1;
    });
  }

  next(): void {
    this.choose(THEMES[(THEMES.indexOf(this.choice) + 1) % THEMES.length] ?? 'system');
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    localStorage.setItem(KEY, this.choice);
    this.#apply();
  }

  #apply(): void {
    if (this.choice === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = this.choice;
    this.version += 1;
  }
}

export const theme = new Theme();
