/** Graft beside the rest of the machine: set times, heat, sleep, notices, reports of crashes, backups. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { VERDICTS, type RunVerdict } from '../src-shared/verdict.ts';
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, change, expect, goTo, keepScreenshot, openStep, test } from './fixtures.ts';
import { addParts, haltAfter, openHash, queueRun, train, trainedSteps, untilStatus } from './realRuns.ts';

interface Run {
  id: string;
  status: string;
  notBefore: string | null;
  startedAt: string | null;
}

test('a run waits for its time, over a restart too, and starts when it is told to', async ({ graft: page, app }) => {
  const parts = await addParts(page);
  const { id } = await queueRun(page, parts, { notBefore: '2099-03-04T05:06:00Z' });
  const other = await queueRun(page, parts, { name: 'at once' });
  await untilStatus(page, other.id, 'completed');
  expect((await ask<Run>(page, 'runs.get', { id })).status).toBe('queued');

  await expect(page.getByRole('region', { name: 'Running and queued' })).toContainText(/starts 4 Mar 2099/);
  await goTo(page, 'Runs');
  const queue = page.getByRole('region', { name: 'Queue' });
  await expect(queue).toContainText(/Scheduled for 4 Mar 2099/);
  await keepScreenshot(page, 'scheduled-queue');
  await queue.getByRole('button', { name: /^Choose when describe starts/ }).click();
  const dialog = page.getByRole('dialog', { name: 'When may it start?' });
  await dialog.getByLabel('Not before').fill('2098-01-02T03:04');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Start at this time' }).click();
  await expect(queue).toContainText(/Scheduled for 2 Jan 2098/);

  await app.restart?.(async () => undefined);
  await openHash(page, `#/runs/${id}`);
  await expect(page.getByText(/^Scheduled for 2 Jan 2098, 03:04\. Graft must be open then/)).toBeVisible();
  await keepScreenshot(page, 'scheduled-run');
  await page.getByRole('button', { name: 'Change…' }).click();
  await dialog.getByRole('button', { name: 'Start now' }).click();
  await untilStatus(page, id, 'completed');
});

test('the wizard schedules a run', async ({ graft: page }) => {
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await openStep(page, 'Review');
  await page.getByLabel('Not before', { exact: true }).fill('2001-01-01T10:00');
  await expect(page.getByText('This time has passed, so the run starts at once.')).toBeVisible();
  await page.getByLabel('Not before', { exact: true }).fill('2097-05-06T07:08');
  await expect(page.getByText(/--not-before/)).toBeVisible();
  await keepScreenshot(page, 'review-scheduled');
  await page.getByRole('button', { name: 'Schedule the run' }).click();
  await expect(page).toHaveURL(/#\/runs\/run-/);
  await expect(page.getByText(/^Scheduled for 6 May 2097/)).toBeVisible();
  const [run] = await ask<Run[]>(page, 'runs.list');
  expect(run).toMatchObject({ status: 'queued', notBefore: new Date(2097, 4, 6, 7, 8).toISOString() });
});

test.describe('with a driver', () => {
  const tools = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-driver-'));
  fs.writeFileSync(
    path.join(tools, 'nvidia-smi'),
    '#!/bin/sh\ncase "$1" in *temperature*) echo "NVIDIA L4, 0x27B810DE, 71, 60.5, 72.0";; esac\n',
    { mode: 0o755 },
  );
  test.use({ hostEnv: { PATH: `${tools}${path.delimiter}${process.env['PATH'] ?? ''}` } });
  test.afterAll(() => fs.rmSync(tools, { recursive: true, force: true }));

  test('heat: what is told, and the limit', async ({ graft: page }) => {
    await goTo(page, 'Settings');
    const card = page.getByRole('region', { name: 'Power and heat' });
    await expect(card).toContainText('NVIDIA L4');
    await expect(card).toContainText('71 °C');
    await card.getByRole('switch', { name: 'Hold runs that get too hot' }).click();
    await card.getByLabel('Hold above (°C)').fill('80');
    await card.getByLabel('Hold above (°C)').press('Tab');
    await expect
      .poll(() => ask(page, 'system.settings'))
      .toMatchObject({ keepAwake: true, heatLimit: { pauseAboveC: 80, resumeBelowC: 75 } });
    await card.getByRole('switch', { name: 'Keep the machine awake during a run' }).click();
    await expect.poll(() => ask(page, 'system.settings')).toMatchObject({ keepAwake: false });
    await expectAccessible(page);
    await keepScreenshot(page, 'settings-heat');
  });
});

test('a worker that dies leaves a report, which the run and Settings offer', async ({ graft: page, home }) => {
  const { id } = await queueRun(page, await addParts(page), { train: { steps: 5000 } });
  await trainedSteps(page, id, 2);
  const { pid } = await ask<{ pid: number }>(page, 'runs.get', { id });
  process.kill(pid, 'SIGKILL');
  await untilStatus(page, id, 'failed');
  await openHash(page, `#/runs/${id}`);
  await page.getByRole('button', { name: 'Read the report' }).click();
  const dialog = page.getByRole('dialog', { name: /was ended by SIGKILL/ });
  const text = dialog.getByRole('textbox', { name: 'Report' });
  await expect(text).toHaveValue(/"steps": 5000/);
  expect(await text.inputValue()).not.toContain(home);
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByText('The report is on the clipboard.')).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, 'report');
  await page.keyboard.press('Escape');
  await goTo(page, 'Settings');
  const reports = page.getByRole('region', { name: 'Reports of crashes' });
  await expect(reports.getByRole('button', { name: 'Read the report' })).toHaveCount(1);
  const [file] = fs.readdirSync(path.join(home, 'reports')).filter((name) => name.endsWith('.json'));
  expect(JSON.parse(fs.readFileSync(path.join(home, 'reports', file!), 'utf8'))).toMatchObject({ run: { id } });
});

test('backups: one of today, and going back to it at the next start', async ({ graft: page, app }) => {
  test.skip(!app.restart, 'only the web host is started again by the test');
  const today = `daily-${new Date().toISOString().slice(0, 10)}.db`;
  const inBackup = (): Promise<{ backups: { name: string }[] }> => ask(page, 'system.backups');
  await expect.poll(async () => (await inBackup()).backups.map(({ name }) => name)).toContain(today);
  await train(page, await addParts(page), { train: { steps: 1 } });
  expect(await ask<Run[]>(page, 'runs.list')).toHaveLength(1);

  await goTo(page, 'Settings');
  const card = page.getByRole('region', { name: 'Backups' });
  await card.getByRole('button', { name: `Restore ${today}` }).click();
  await page.getByRole('button', { name: 'Restore at the next start' }).click();
  await expect(card.getByRole('status')).toContainText('is restored when Graft is next started');
  await expectAccessible(page);
  await keepScreenshot(page, 'settings-backups');
  await card.getByRole('button', { name: 'Keep the present one' }).click();
  await expect(card.getByRole('status')).toHaveCount(0);
  await change(page, 'system.restoreAtStart', { name: today });

  await app.restart!(async () => undefined);
  await page.reload();
  await expect(card).toContainText(`The catalogue was restored from the backup ${today}.`);
  await expect(card).toContainText('Before a backup was restored');
  expect(await ask<Run[]>(page, 'runs.list')).toEqual([]);
});

/** What is said of the end of that run, and of no other. */
const endOf = (name: string): RegExp => new RegExp(`^${name} (is trained|has ended)`);

test('the system tells the end of a run while Graft is not in front, with its verdict', async ({ graft: page }) => {
  await page.addInitScript(() => {
    const told: { title: string; body: string | undefined; click: () => void }[] = [];
    class Recorded {
      static permission = 'granted';
      onclick: (() => void) | null = null;
      constructor(title: string, { body }: NotificationOptions = {}) {
        told.push({ title, body, click: () => this.onclick?.() });
      }
    }
    Object.assign(globalThis, { Notification: Recorded, told });
    document.hasFocus = () => false;
  });
  await page.reload();
  const told = () =>
    page.evaluate(() =>
      (globalThis as unknown as { told: { title: string; body: string }[] }).told.map(({ title, body }) => ({
        title,
        body,
      })),
    );
  const { id, name } = await queueRun(page, await addParts(page), { train: { steps: 60 } });
  (await haltAfter(page, id, 1))();
  await untilStatus(page, id, 'completed');
  const { kind } = await ask<RunVerdict>(page, 'runs.verdict', { id });
  await expect.poll(told).toEqual([
    {
      title: expect.stringMatching(endOf(name)),
      body: VERDICTS[kind],
    },
  ]);
  await page.evaluate(() => (globalThis as unknown as { told: { click: () => void }[] }).told[0]!.click());
  await expect(page).toHaveURL(new RegExp(`#/runs/${id}$`));

  await page.evaluate(() => (document.hasFocus = () => true));
  await goTo(page, 'Home');
  const next = await queueRun(page, await addParts(page), { train: { steps: 60 } });
  (await haltAfter(page, next.id, 1))();
  await untilStatus(page, next.id, 'completed');
  expect(next.name).not.toBe(name);
  await expect(page.getByText(endOf(next.name))).toBeVisible();
  expect(await told()).toHaveLength(1);
});
