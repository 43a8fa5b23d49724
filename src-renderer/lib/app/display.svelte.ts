/** How tightly the pages are set and how large their texts are; remembered on this machine. */
export const DENSITIES = ['comfortable', 'compact'] as const;
export type Density = (typeof DENSITIES)[number];
/** Percent of the usual size of texts. */
export const TEXT_SIZES = [100, 115, 130] as const;
type TextSize = (typeof TEXT_SIZES)[number];

const DENSITY_KEY = 'graft.density';
const TEXT_KEY = 'graft.textSize';

class Display {
  density = $state<Density>(DENSITIES.find((name) => name === localStorage.getItem(DENSITY_KEY)) ?? 'comfortable');
  textSize = $state<TextSize>(TEXT_SIZES.find((size) => String(size) === localStorage.getItem(TEXT_KEY)) ?? 100);

  constructor() {
    this.#apply();
  }

  chooseDensity(density: Density): void {
    this.density = density;
    localStorage.setItem(DENSITY_KEY, density);
    this.#apply();
  }

  chooseTextSize(size: TextSize): void {
    this.textSize = size;
    localStorage.setItem(TEXT_KEY, String(size));
    this.#apply();
  }

  #apply(): void {
    const { dataset, style } = document.documentElement;
    dataset['density'] = this.density;
    style.fontSize = this.textSize === 100 ? '' : `${this.textSize}%`;
  }
}

export const display = new Display();
