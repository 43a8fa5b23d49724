/** Tray, dock and notifications on stand-ins for Electron's objects, with real runs of a trainer that is played. */
import type { MenuItemConstructorOptions } from 'electron';
import { afterEach, expect, it } from 'vitest';
import { fakeTrainer } from '../../../test-support/fakes/fakeTrainer.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import type { Announcement } from '../../../src-shared/runAnnouncement.ts';
import { tellEnds } from './endNotice.ts';
import { followRuns, type RunNow } from './runNow.ts';
import { showInTray, trayTemplate } from './tray.ts';

const RUN: RunNow = { id: 'run-1', name: 'colours', status: 'running', percent: 42, msLeft: 190_000, loss: 1.25 };

function desktop() {
  const done: string[] = [];
  const tips: string[] = [];
  const bars: unknown[] = [];
  let menu: MenuItemConstructorOptions[] = [];
  let menus = 0;
  const actions = {
    open: (hash?: string) => void done.push(`open ${hash ?? ''}`),
    pause: (id: string) => void done.push(`pause ${id}`),
    continue: (id: string) => void done.push(`continue ${id}`),
    quit: () => void done.push('quit'),
  };
  const show = showInTray({
    tray: {
      setToolTip: (text) => void tips.push(text),
      setContextMenu: (template: MenuItemConstructorOptions[]) => {
        menu = template;
        menus++;
      },
    },
    buildMenu: (template) => template,
    window: () => ({ setProgressBar: (...bar) => void bars.push(bar) }),
    actions,
  });
  const click = (label: string) => (menu.find((item) => item.label === label)!.click as () => void)();
  return { show, done, tips, bars, click, labels: () => menu.flatMap(({ label }) => label ?? []), menus: () => menus };
}

it('shows percent, time and loss of the run, and what can be done', () => {
  const { show, done, tips, bars, click, labels, menus } = desktop();
  show(RUN);
  expect(labels()).toEqual(['colours', '42 %, 3 min left, loss 1.2500', 'Pause', 'Open Graft', 'Quit']);
  expect(tips).toEqual(['Graft: colours, 42 %, 3 min left, loss 1.2500']);
  for (const label of ['colours', 'Pause', 'Open Graft', 'Quit']) click(label);
  expect(done.splice(0)).toEqual(['open #/runs/run-1', 'pause run-1', 'open ', 'quit']);

  show({ ...RUN, loss: 1.24 });
  expect(menus()).toBe(1); // an open menu stays open
  show({ ...RUN, status: 'paused', msLeft: null });
  expect(labels()).toEqual(['colours', 'paused, 42 %, loss 1.2500', 'Continue', 'Open Graft', 'Quit']);
  click('Continue');
  expect(done).toEqual(['continue run-1']);
  show(null);
  expect(labels()).toEqual(['No run is under way', 'Open Graft', 'Quit']);
  expect(bars).toEqual([
    [0.42, { mode: 'normal' }],
    [0.42, { mode: 'normal' }],
    [0.42, { mode: 'paused' }],
    [-1, { mode: 'none' }],
  ]);
});

it('cannot pause what has not begun', () => {
  const nothing = (): void => undefined;
  const actions = { open: nothing, pause: nothing, continue: nothing, quit: nothing };
  const items = trayTemplate({ ...RUN, percent: null, msLeft: null, loss: null }, actions);
  expect(items.slice(1, 3)).toMatchObject([{ label: 'starting' }, { label: 'Pause', enabled: false }]);
});

let b: TestBench | undefined;
afterEach(() => b?.close());

it('follows runs from their start to their end, and tells the end once, with the verdict', async () => {
  b = openBench({ spawnWorker: fakeTrainer({ lossOf: () => 1, holds: (spec) => spec.task === 'held' }) });
  const { runs, runHistory } = b.services;
  const seen: (RunNow | null)[] = [];
  const told: Announcement[] = [];
  let isWanted = true;
  followRuns(runs, (now) => seen.push(now));
  tellEnds({
    runs,
    verdictOf: (id) => runHistory.verdict(id),
    isWanted: () => isWanted,
    notify: (said) => told.push(said),
  });
  expect(seen).toEqual([null]);

  const input = await smallRun(b, { steps: 8 });
  const run = await runs.start(input);
  await runs.finished(run.id);
  expect(seen).toContainEqual(expect.objectContaining({ id: run.id, status: 'running', percent: null }));
  expect(seen).toContainEqual(expect.objectContaining({ id: run.id, percent: 100, loss: 1 }));
  expect(seen.at(-1)).toBeNull();
  expect(told).toEqual([
    {
      title: 'colours has ended',
      text: 'It learnt next to nothing: raise the learning rate, or train for longer.',
      tone: 'bad',
      hash: `#/runs/${run.id}`,
    },
  ]);
  runs.rename(run.id, 'other');
  expect(told).toHaveLength(1);

  const held = await runs.start({ ...input, taskName: 'held' });
  await untilEvent(b, held.id, (event) => event.type === 'step');
  const paused = untilEvent(b, held.id, (event) => event.type === 'status' && event.run.status === 'paused');
  runs.pause(held.id);
  await paused;
  expect(seen.at(-1)).toMatchObject({ id: held.id, status: 'paused' });
  isWanted = false;
  runs.continue(held.id);
  runs.stop(held.id);
  await runs.finished(held.id);
  expect(told).toHaveLength(1);
});
