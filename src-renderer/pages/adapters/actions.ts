/** What the menu of an adapter offers, wherever the adapter is shown. */
import ArrowRightLeft from '@lucide/svelte/icons/arrow-right-left';
import Copy from '@lucide/svelte/icons/copy';
import Pencil from '@lucide/svelte/icons/pencil';
import Trash from '@lucide/svelte/icons/trash-2';
import type { Component } from 'svelte';
import type { AdapterView } from '../../lib/api.ts';
import { router } from '../../lib/router.svelte.ts';

interface Item {
  label: string;
  icon: Component<{ size?: number | string }>;
  run: () => void;
  danger?: boolean;
  disabled?: boolean;
}

interface Handlers {
  rename: () => void;
  move: () => void;
  trash: () => void;
}

export function adapterActions(adapter: AdapterView, { rename, move, trash }: Handlers): Item[] {
  const { runId } = adapter;
  return [
    {
      label: 'Use these settings for a new run',
      icon: Copy,
      run: () => runId !== null && router.go('new-run', undefined, { from: runId }),
      disabled: runId === null,
    },
    { label: 'Rename…', icon: Pencil, run: rename },
    { label: 'Move to another task…', icon: ArrowRightLeft, run: move },
    { label: 'Move to the trash', icon: Trash, run: trash, danger: true },
  ];
}
