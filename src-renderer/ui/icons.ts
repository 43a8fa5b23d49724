/** The icon of each page, all from one set (Lucide). */
import Box from '@lucide/svelte/icons/box';
import ChartLine from '@lucide/svelte/icons/chart-line';
import Database from '@lucide/svelte/icons/database';
import FlaskConical from '@lucide/svelte/icons/flask-conical';
import House from '@lucide/svelte/icons/house';
import Layers from '@lucide/svelte/icons/layers';
import ListChecks from '@lucide/svelte/icons/list-checks';
import MessageSquareText from '@lucide/svelte/icons/message-square-text';
import PackageCheck from '@lucide/svelte/icons/package-check';
import RadioTower from '@lucide/svelte/icons/radio-tower';
import Settings from '@lucide/svelte/icons/settings';
import Sparkles from '@lucide/svelte/icons/sparkles';
import type { Page } from '../../src-shared/routes.ts';

export const PAGE_ICONS: Record<Page, typeof Box> = {
  home: House,
  models: Box,
  datasets: Database,
  'new-run': Sparkles,
  runs: ChartLine,
  adapters: Layers,
  playground: MessageSquareText,
  evaluate: ListChecks,
  lab: FlaskConical,
  export: PackageCheck,
  serve: RadioTower,
  settings: Settings,
};
