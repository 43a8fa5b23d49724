/** How far a base model's weights are on their way into memory. */
export interface LoadProgress {
  /** What is loaded; absent for a base. */
  work?: 'tokenise' | 'look' | 'reference';
  /** Weights, or rows. */
  done: number;
  total: number;
  /** They are packed on the way, for the first time or because the packed form was not kept. */
  packs: boolean;
  /** Until the end at the rate so far; null where it is not known yet. */
  leftMs: number | null;
}

/** Before anything is known. */
export const LOAD_BEGINS: LoadProgress = { done: 0, total: 1, packs: false, leftMs: null };

/** `Packing the base: 43 %, 20 s left` */
export function loadProgressText({ work, done, total, packs, leftMs }: LoadProgress): string {
  const share = total > 0 ? Math.floor((100 * done) / total) : 100;
  const left = leftMs === null ? '' : `, ${timeText(leftMs)} left`;
  if (work === 'tokenise') return `Tokenising: ${withCommas(done)} of about ${withCommas(total)} rows${left}`;
  if (work === 'look') return `Looking through the rows: ${withCommas(done)} of about ${withCommas(total)}${left}`;
  if (work === 'reference') return `Asking the reference: ${withCommas(done)} of ${withCommas(total)} rows${left}`;
  return packs ? `Packing the base: ${share} %${left}` : `Reading the base: ${share} %${left}`;
}

function withCommas(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
