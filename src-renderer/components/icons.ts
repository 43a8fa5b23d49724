/** Line icons on a 24 x 24 grid, one SVG path each. */
import type { Page } from '../route.ts';

export const PAGE_ICONS: Record<Page, string> = {
  home: 'M4 11l8-7 8 7M6 10v10h4v-6h4v6h4V10',
  models: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  datasets: 'M5 6c0-1.7 3.1-3 7-3s7 1.3 7 3-3.1 3-7 3-7-1.3-7-3zM5 6v12c0 1.7 3.1 3 7 3s7-1.3 7-3V6M5 12c0 1.7 3.1 3 7 3s7-1.3 7-3',
  train: 'M13 3L5 14h6l-1 7 8-11h-6z',
  runs: 'M4 4v16h16M7 8c2 6 4 7 6 7s3 2 6 2',
  adapters: 'M6 4v6a4 4 0 0 0 4 4h4a4 4 0 0 1 4 4v2M18 4v4M6 14v6M18 8a2 2 0 1 0 0-.01M6 14a2 2 0 1 0 0-.01',
  playground: 'M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12h5',
  exports: 'M12 15V4M8 8l4-4 4 4M5 13v6h14v-6',
  system: 'M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4',
};
