/**
 * Runs that are trained elsewhere, from the pages: on a real Slurm, over a real sshd with Graft copying itself there,
 * and carried by hand.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { RunView, StudyView } from '../src-main/api/types.ts';
import { slurmNote, startSlurm, type Slurm } from '../test-support/rigs/slurm.ts';
import { missingPrograms, startSshd } from '../test-support/rigs/sshd.ts';
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, openStep, pointCount, test as base } from './fixtures.ts';
import { addParts, openHash, pausedRun, trainedSteps, untilStatus, type Parts } from './realRuns.ts';

const noSlurm = await slurmNote();
const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });
const noSsh = missing.length > 0 ? ` (skipped: no ${missing.join(', ')} here)` : '';
const WIDTHS = [900, 1280];
const LIMIT_MS = 90_000;
const TAKES_PICTURES = process.env['GRAFT_PICTURES'] === '1';
/** Enough that it is still under way when its pages have been looked at. */
const STEPS = TAKES_PICTURES ? 500 : 200;

const test = base.extend<{ slurm: Slurm | undefined }>({
  slurm: [undefined, { option: true }],
  hostEnv: async ({ slurm }, use) => use(slurm ? slurm.env : {}),
});

test.describe(`on Slurm${noSlurm}`, () => {
  test.skip(noSlurm !== '', noSlurm);
  test.use({
    slurm: async ({}, use) => {
      const slurm = await startSlurm();
      await use(slurm);
      await slurm.stop();
    },
  });

  test('a run is sent, paused, goes on while Graft is closed, and a study is one array of jobs', async ({
    graft: page,
    app,
    home,
  }) => {
    if (TAKES_PICTURES) test.setTimeout(480_000);
    const parts = await addParts(page);
    await test.step('a cluster is named, and checked', async () => {
      const card = await addTarget(page, { Name: 'lab', 'Work folder': path.join(home, 'work') });
      await expect(card).toContainText('Runs can be trained there.', { timeout: 30_000 });
      await pictures(page, 'away-settings');
    });

    const id = await test.step('a run is sent there', async () => {
      await wizardAt(page, parts, STEPS);
      await page.getByLabel('Where it trains').selectOption('lab');
      await expect(page.getByText('Jobs under way there: 0; jobs that wait: 0.')).toBeVisible();
      await expect(page.getByLabel('Not before')).toHaveCount(0);
      await pictures(page, 'away-review');
      return send(page);
    });

    await test.step('its page follows it', async () => {
      await expect(where(page)).toContainText(/^\s*On cluster lab, Slurm job \d+/, { timeout: 30_000 });
      await expect.poll(() => pointCount(page), { timeout: LIMIT_MS }).toBeGreaterThan(10);
      await expect(where(page)).toContainText(/on node .+\.\s+Heard of just now\./);
      const before = await pointCount(page);
      await expect.poll(() => pointCount(page)).toBeGreaterThan(before);
      await pictures(page, 'away-running');
    });

    await test.step('Home and the list of runs say where it is', async () => {
      await goTo(page, 'Home');
      const home = page.getByRole('region', { name: 'Running and queued' });
      await expect(home.getByTitle(/^On cluster lab/)).toBeVisible();
      await pictures(page, 'away-home');
      await goTo(page, 'Runs');
      const queue = page.getByRole('region', { name: 'Queue' });
      await expect(queue).toContainText('On other machines');
      await expect(queue.getByTitle(/^On cluster lab/)).toBeVisible();
      await expect(page.getByRole('region', { name: 'All runs' }).getByTitle(/^On cluster lab/)).toBeVisible();
      await pictures(page, 'away-runs');
    });

    await test.step('it pauses, and goes on while Graft is closed', async () => {
      await openHash(page, `#/runs/${id}`);
      await page.getByRole('button', { name: 'Pause' }).click();
      await expect(page.getByText(/^Paused after step \d+/)).toBeVisible({ timeout: LIMIT_MS });
      await pictures(page, 'away-paused');
      const { interim } = await ask<RunView>(page, 'runs.get', { id });
      await page.getByRole('button', { name: 'Continue' }).click();
      await trainedSteps(page, id, interim!.steps + 10);
      if (app.restart) await app.restart(() => page.waitForTimeout(2000));
      await expect(page.getByText('Training is complete; the adapter is in the catalogue.')).toBeVisible({
        timeout: LIMIT_MS,
      });
      const { steps } = await ask<{ steps: { step: number }[] }>(page, 'runs.metrics', { id });
      expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
      await expect(where(page)).toContainText(/^\s*Trained on cluster lab, Slurm job \d+/);
      await pictures(page, 'away-completed');
      expect(await adaptersOf(page)).toEqual([id]);
    });

    await test.step('a study of four is one array', async () => {
      await wizardAt(page, parts, 12);
      await page.getByRole('button', { name: /^Compare ranks/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Compare variants of this run' });
      await dialog.getByLabel('Ranks', { exact: true }).fill('1, 4');
      await dialog.getByLabel('Seeds').fill('0, 1');
      await dialog.getByLabel('Where it trains').selectOption('lab');
      await expect(dialog.getByText('2 variants, 4 runs')).toBeVisible();
      await pictures(page, 'away-compare');
      await dialog.getByRole('button', { name: 'Start the study' }).click();
      await expect(page).toHaveURL(/#\/runs\?study=study-/);
      const studyId = new URL(page.url()).hash.replace('#/runs?study=', '');
      const verdict = page.getByRole('region', { name: 'Verdict' });
      await expect(verdict).toContainText(/On cluster lab, Slurm job \d+\./, { timeout: 30_000 });
      await pictures(page, 'away-study');
      await expect(verdict.getByRole('status')).toContainText(/validation loss|as good as/, { timeout: LIMIT_MS });
      await expect(verdict).toContainText(/Trained on cluster lab, Slurm job \d+\./);
      const { variants } = await ask<StudyView>(page, 'studies.get', { id: studyId });
      const cells = variants.flatMap(({ runs }) => runs);
      expect(new Set(cells.map(({ away }) => away!.slurmJob)).size).toBe(1);
      expect(cells.map(({ away }) => away!.arrayTask).sort()).toEqual([0, 1, 2, 3]);
      expect((await adaptersOf(page)).sort()).toEqual([id, ...cells.map(({ runId }) => runId)].sort());
    });
  });
});

test.describe(`over ssh${noSsh}`, () => {
  test.skip(missing.length > 0, noSsh);

  test('Graft copies itself to a bare folder, trains there, and the adapter answers here', async ({
    graft: page,
    home,
  }) => {
    const sshd = await startSshd();
    const work = path.join(home, 'work');
    try {
      const parts = await addParts(page);
      const { host, port, identityFile, configFile } = sshd.connection;
      const card = await addTarget(page, {
        kind: 'One other machine',
        Name: 'second PC',
        Host: host,
        'Work folder': work,
        more: { Port: String(port), 'Private key': identityFile!, 'Configuration of ssh': configFile! },
      });
      await expect(card).toContainText('Runs can be trained there.', { timeout: 30_000 });
      await pictures(page, 'away-ssh-settings');

      await wizardAt(page, parts, 60);
      await page.getByLabel('Where it trains').selectOption('second PC');
      await expect(page.getByText('It answers, and no run of Graft is under way there.')).toBeVisible();
      const id = await send(page);
      await expect(where(page)).toContainText(/Sending Graft itself: \d+ %/, { timeout: 30_000 });
      await pictures(page, 'away-sending');
      await expect.poll(() => pointCount(page), { timeout: LIMIT_MS }).toBeGreaterThan(5);
      await expect(page.getByText('Training is complete; the adapter is in the catalogue.')).toBeVisible({
        timeout: LIMIT_MS,
      });
      expect(fs.readdirSync(path.join(work, 'graft'))).toHaveLength(1);
      expect(await adaptersOf(page)).toEqual([id]);

      await page.getByRole('main').getByRole('link', { name: 'Try it' }).click();
      const tasks = page.getByRole('group', { name: 'Answers with' });
      await expect(tasks.getByRole('button', { name: /describe/ })).toHaveAttribute('aria-pressed', 'true', {
        timeout: 60_000,
      });
    } finally {
      await sshd.stop();
    }
  });

  test('a machine that cannot be reached says why', async ({ graft: page, home }) => {
    const parts = await addParts(page);
    await addTarget(page, {
      kind: 'One other machine',
      Name: 'second PC',
      Host: '127.0.0.1',
      'Work folder': path.join(home, 'work'),
      more: { Port: '1' },
    });
    await wizardAt(page, parts, 60);
    await page.getByLabel('Where it trains').selectOption('second PC');
    await expect(page.getByRole('main').getByRole('alert')).toContainText(/second PC/, { timeout: 30_000 });
    const id = await send(page);
    await expect(where(page).getByRole('status')).toContainText(/^second PC .* no ssh server does on this port/, {
      timeout: 30_000,
    });
    await pictures(page, 'away-unreachable');
    await page.getByRole('button', { name: 'Call it off' }).click();
    await untilStatus(page, id, 'stopped');
    await expect(page.getByText('Training was stopped.')).toBeVisible();
    await expect(where(page)).toHaveText(/^\s*It was meant for second PC\.\s*$/);
    await pictures(page, 'away-called-off');
  });
});

test('a paused run is carried elsewhere as a folder, and brought back', async ({ graft: page, home }) => {
  const id = await pausedRun(page, await addParts(page));
  const { interim } = await ask<RunView>(page, 'runs.get', { id });
  await openHash(page, `#/runs/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Take it elsewhere…' }).click();
  const dialog = page.getByRole('dialog', { name: /^Take .* elsewhere$/ });
  await dialog.getByRole('radio', { name: 'Docker' }).click();
  await expect(dialog.getByLabel('Processes')).toHaveCount(0);
  await dialog.getByRole('radio', { name: 'Shell' }).click();
  await expect(dialog.getByLabel('New folder')).toHaveValue(path.join(home, 'exports', `job-${id}`));
  const folder = path.join(home, 'elsewhere');
  await dialog.getByLabel('New folder').fill(home);
  await dialog.getByRole('button', { name: 'Write the job' }).click();
  await expect(dialog.getByRole('alert')).toContainText('exists already');
  await dialog.getByLabel('New folder').fill(folder);
  await pictures(page, 'elsewhere');
  await dialog.getByRole('button', { name: 'Write the job' }).click();
  await expect(dialog).toContainText('The job is written', { timeout: 60_000 });
  await expect(dialog).toContainText('sh run.sh');
  await pictures(page, 'elsewhere-written');
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  await goTo(page, 'Runs');
  await page.getByRole('button', { name: 'Bring a job back…' }).click();
  const back = page.getByRole('dialog', { name: 'Bring a job back' });
  await back.getByLabel('Folder of the job').fill(folder);
  await back.getByRole('button', { name: 'Bring it back' }).click();
  await expect(back.getByRole('alert')).toContainText('has not been begun');
  await pictures(page, 'bring-back');

  await trainThere(folder, interim!.steps + 3);
  await back.getByRole('button', { name: 'Bring it back' }).click();
  await expect(page).toHaveURL(new RegExp(`#/runs/${id}$`));
  await expect(page.getByText(/^Training was stopped; the adapter is in the catalogue\./)).toBeVisible();
  const run = await ask<RunView>(page, 'runs.get', { id });
  expect(run.result!.steps).toBeGreaterThan(interim!.steps);
  const { steps } = await ask<{ steps: { step: number }[] }>(page, 'runs.metrics', { id });
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: run.result!.steps }, (_, i) => i + 1));
  expect(await adaptersOf(page)).toEqual([id]);
});

/** Begins the job as its script says, and has it stop soon after that step. */
async function trainThere(folder: string, step: number): Promise<void> {
  const job = spawn('sh', ['run.sh'], { cwd: folder, env: { ...process.env, GRAFT_NODE: process.execPath } });
  const ended = new Promise((resolve) => job.once('exit', resolve));
  const reached = () => {
    const file = path.join(folder, 'events.jsonl');
    const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
    return lines
      .map((line) => JSON.parse(line) as { type: string; step?: number })
      .some((event) => event.step === step);
  };
  await expect.poll(reached, { timeout: LIMIT_MS }).toBe(true);
  fs.writeFileSync(path.join(folder, 'control.json'), JSON.stringify({ action: 'stop' }));
  expect(await ended).toBe(0);
}

/** Fills the form of a target by the names of its fields; gives the card in which it then stands. */
async function addTarget(
  page: Page,
  { kind, more = {}, ...fields }: { kind?: string; more?: Record<string, string> } & Record<string, unknown>,
) {
  await goTo(page, 'Settings');
  const card = page.getByRole('region', { name: 'Other machines' });
  await card.getByRole('button', { name: 'Add' }).click();
  const form = page.getByRole('dialog', { name: 'Add another machine' });
  if (kind) await form.getByRole('radio', { name: kind }).click();
  for (const [label, value] of Object.entries(fields))
    await form.getByLabel(label, { exact: true }).fill(String(value));
  if (Object.keys(more).length > 0) await form.getByText('More settings').click();
  for (const [label, value] of Object.entries(more)) await form.getByLabel(label, { exact: true }).fill(value);
  await form.getByRole('button', { name: 'Save and check' }).click();
  await expect(form).toBeHidden();
  return card;
}

/** The review step of a run of so many steps. */
async function wizardAt(page: Page, { modelId, datasetId }: Parts, steps: number): Promise<void> {
  await openHash(page, `#/new-run?model=${modelId}&dataset=${datasetId}`);
  await openStep(page, 'Schedule');
  await page.getByRole('radio', { name: 'Steps', exact: true }).click();
  await page.getByLabel('Steps', { exact: true }).fill(String(steps));
  await page.getByLabel('Batch size', { exact: true }).fill('2');
  await openStep(page, 'Review');
}

/** Sends the run of the wizard to its target; its id. */
async function send(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Send it there' }).click();
  await expect(page).toHaveURL(/#\/runs\/run-/);
  return new URL(page.url()).hash.replace('#/runs/', '');
}

/** The line that says where a run is trained. */
const where = (page: Page) => page.locator('[data-away]');

async function adaptersOf(page: Page): Promise<(string | null)[]> {
  return (await ask<{ runId: string | null }[]>(page, 'adapters.list')).map(({ runId }) => runId);
}

/** No violation of the rules; pictures at both widths, in both themes. */
async function pictures(page: Page, name: string): Promise<void> {
  await expectAccessible(page);
  if (!TAKES_PICTURES) return;
  const window = page.viewportSize();
  for (const width of WIDTHS)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: window?.height ?? 860 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(400);
      await keepScreenshot(page, `${name}-${width}-${colorScheme}`);
    }
  if (window) await page.setViewportSize(window);
  await page.emulateMedia({ colorScheme: null });
}
