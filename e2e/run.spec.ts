/**
 * A run's page: pause that frees the memory, trying out, drill-down and rollback, duplicating, deleting, comparing,
 * zoom, files, and the same picture after a reload.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Download, Locator, Page } from '@playwright/test';
import type { RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, keepScreenshot, lossFigure, pointCount, startRun, test } from './fixtures.ts';
import { addParts, haltAfter, openHash, queueRun } from './realRuns.ts';

interface Metrics {
  steps: { step: number; loss: number; lr: number; gradNorm: number; elapsedMs: number }[];
  evaluations: { step: number; valLoss: number }[];
}

test('pause, look into a step, roll back, compare, save, reload', async ({ graft: page }) => {
  test.setTimeout(300_000);
  const parts = await addParts(page);
  const run = await queueRun(page, parts, {
    name: 'first',
    train: {
      steps: 40,
      batch: 4,
      evalEvery: 10,
      checkpointEvery: 10,
      samplePrompts: ['The cat', 'A house'],
      sampleTokens: 6,
    },
  });
  await openHash(page, `#/runs/${run.id}`);
  const goOn = await haltAfter(page, run.id, 13);
  await expect.poll(() => pointCount(page)).toBeGreaterThan(12);

  await test.step('pause ends the worker and keeps what it has learned', async () => {
    const { pid } = await ask<{ pid: number }>(page, 'runs.get', { id: run.id });
    await page.getByRole('button', { name: 'Pause' }).click();
    goOn();
    await expect(page.getByRole('main').getByText('paused', { exact: true })).toBeVisible({ timeout: 30_000 });
    await expect(page.getByRole('status').filter({ hasText: 'memory is free' })).toBeVisible();
    await expect.poll(() => isAlive(pid)).toBe(false);
    await expect(page.getByRole('button', { name: 'Try in playground' })).toBeVisible();
    await keepScreenshot(page, 'run-paused');
    await expectAccessible(page);
  });

  await test.step('the half-trained adapter is attached in the playground', async () => {
    await page.getByRole('button', { name: 'Try in playground' }).click();
    await expect(page).toHaveURL(new RegExp(`#/playground\\?run=${run.id}`), { timeout: 60_000 });
    const half = page
      .getByRole('group', { name: 'Answers with' })
      .getByRole('button', { name: /half-trained: first at step \d+/ });
    await expect(half).toHaveAttribute('aria-pressed', 'true');
    const [state, paused] = [
      await ask<{ adapterDir: string }>(page, 'playground.state'),
      await ask<{ interimAdapterDir: string }>(page, 'runs.get', { id: run.id }),
    ];
    expect(state.adapterDir).toBe(paused.interimAdapterDir);
    await change(page, 'playground.unload');
    await openHash(page, `#/runs/${run.id}`);
  });

  await test.step('a new name stays', async () => {
    await page.getByRole('button', { name: 'Rename the run' }).click();
    await page.getByLabel('Name of the run').fill('renamed run');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'renamed run' })).toBeVisible();
  });

  let rolledBack = '';
  let goOnRolledBack = (): void => undefined;
  await test.step('the rows of a step, by keyboard; without the worst it goes on from before them', async () => {
    const { steps } = await ask<Metrics>(page, 'runs.metrics', { id: run.id });
    const slider = page.getByRole('slider', { name: 'Loss by step: cursor' });
    await page.mouse.move(0, 0); // a pointer that rests on the chart would move its cursor as well
    await slider.focus();
    await page.keyboard.press('Home');
    for (let i = 1; i < 12; i++) await page.keyboard.press('ArrowRight');
    await expect(slider).toHaveAttribute('aria-valuenow', '12');
    await expect(slider).toHaveAttribute('aria-valuetext', `step 12, ${steps[11]!.loss.toFixed(4)}`);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Rows of step 12' });
    await expect(dialog.getByRole('row')).toHaveCount(5, { timeout: 60_000 });
    const rows = await rowsOf(dialog.getByRole('row'));
    expect(rows.map(({ loss }) => loss)).toEqual(rows.map(({ loss }) => loss).sort((a, b) => b - a));
    // The step's loss is the mean over all labelled tokens; the engine recorded it while it trained.
    const mean =
      rows.reduce((sum, row) => sum + row.loss * row.labelled, 0) / rows.reduce((sum, row) => sum + row.labelled, 0);
    expect(mean).toBeCloseTo(steps[11]!.loss, 3);
    await expectAccessible(page);
    await keepScreenshot(page, 'run-step-rows');
    await dialog.getByRole('checkbox', { name: `Exclude line ${rows[0]!.line}` }).check();
    await dialog.getByRole('button', { name: 'Exclude 1 row and roll back to step 10' }).click();
    await expect(page).not.toHaveURL(new RegExp(run.id));
    rolledBack = page.url().split('/').at(-1)!;
    goOnRolledBack = await haltAfter(page, rolledBack, 11);
    const lineage = page.getByRole('region', { name: 'Lineage' });
    await expect(lineage).toContainText('without 1 row');
    await expect(lineage.getByRole('link', { name: 'renamed run' })).toHaveAttribute('href', `#/runs/${run.id}`);
    const made = await ask<{ parentRunId: string; spec: { data: { excludeLines: number[] } } }>(page, 'runs.get', {
      id: rolledBack,
    });
    expect([made.parentRunId, made.spec.data.excludeLines]).toEqual([run.id, [rows[0]!.line]]);
  });

  await test.step('stop and keep asks once, then the adapter is in the catalogue', async () => {
    await expect.poll(() => pointCount(page)).toBeGreaterThan(10);
    await page.getByRole('button', { name: 'Stop and keep' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop and keep the adapter' }).click();
    goOnRolledBack();
    await expect(page.getByText('Training was stopped; the adapter is in the catalogue.')).toBeVisible({
      timeout: 60_000,
    });
    expect((await ask<{ runId: string }[]>(page, 'adapters.list')).map(({ runId }) => runId)).toEqual([rolledBack]);
  });

  await test.step('the paused run continues to its end', async () => {
    await page.getByRole('region', { name: 'Lineage' }).getByRole('link', { name: 'renamed run' }).click();
    const { length: paused } = (await ask<Metrics>(page, 'runs.metrics', { id: run.id })).steps;
    await page.getByRole('button', { name: 'Continue' }).click();
    const goOnContinued = await haltAfter(page, run.id, paused + 1);
    await expect.poll(() => pointCount(page)).toBeGreaterThan(paused);
    // A host that begins to tell late: no step in between is missing.
    await page.route('**/runs.watch?**', async (route) => {
      await page.waitForTimeout(1000);
      await route.continue();
    });
    await page.reload();
    goOnContinued();
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 120_000 });
    await expect(lossFigure(page)).toHaveAttribute('data-points', '40');
    const samples = page.getByRole('region', { name: 'Sample texts by step' });
    await expect(samples.getByRole('columnheader')).toHaveText([
      'Prompt',
      'Before training',
      'Step 10',
      'Step 20',
      'Step 30',
      'Step 40',
    ]);
    await expect(samples.getByRole('row')).toHaveCount(3);
    await page.getByText('All settings and the command line').click();
    await expect(page.getByTestId('command-line')).toContainText('--checkpoint-every 10');
    await page.unrouteAll();
  });

  let copy = '';
  await test.step('duplicated settings: the rows that were left out stay out, the rest can be changed', async () => {
    await openHash(page, `#/runs/${rolledBack}`);
    await fromMenu(page, 'Duplicate settings into a new run');
    await expect(page.getByRole('region', { name: 'Summary' })).toContainText('1 row');
    await expect(page.getByRole('region', { name: 'Summary' })).toContainText('describe, version 1');
    await expect(page.getByTestId('command-line')).toContainText('--exclude-lines');
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue(/ 2$/);
    await startRun(page, { Steps: 1 });
    copy = page.url().split('/').at(-1)!;
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 60_000 });
    const [own, from] = await Promise.all([copy, rolledBack].map((id) => ask<RunView>(page, 'runs.get', { id })));
    expect(own!.spec.data).toEqual(from!.spec.data);
    expect(own!.spec.method).toEqual(from!.spec.method);
    expect(own!.started!.trainRows).toBe(from!.started!.trainRows);
  });

  await test.step('one run is deleted after a question; its adapter stays', async () => {
    const { runDir, outDir } = (await ask<RunView>(page, 'runs.get', { id: copy })).spec;
    await fromMenu(page, 'Delete the run');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click();
    await expect(page).toHaveURL(new RegExp(copy));
    await fromMenu(page, 'Delete the run');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete the run' }).click();
    await expect(page).toHaveURL(/#\/runs$/);
    await expect(page.getByText('its adapter is still in the catalogue')).toBeVisible();
    const list = page.getByRole('region', { name: 'All runs' });
    await expect(list.getByRole('link', { name: 'renamed run', exact: true })).toBeVisible();
    await expect(list.locator(`a[href="#/runs/${copy}"]`)).toHaveCount(0);
    expect([fs.existsSync(runDir), fs.existsSync(outDir)]).toEqual([false, true]);
    await openHash(page, `#/runs/${run.id}`);
    await expect(lossFigure(page)).toHaveAttribute('data-points', '40');
  });

  await test.step('another run is drawn beside', async () => {
    const before = await settled(page);
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('checkbox', { name: /from step 10/ }).check();
    await page.keyboard.press('Escape');
    // The legend keeps what tells the names apart.
    await expect(lossFigure(page).locator('figcaption')).toContainText(/fr.* 10/);
    await expect.poll(() => picture(page)).not.toBe(before);
  });

  await test.step('dragging zooms all graphs, a reload keeps the picture, the button shows all again', async () => {
    const learningRate = page.getByRole('figure', { name: 'Learning rate' });
    const [all, whole] = [await settled(page), await hashOf(learningRate)];
    await page.getByRole('switch', { name: 'Log scale' }).click();
    await drag(page, 0.4, 0.7);
    await learningRate.scrollIntoViewIfNeeded(); // a chart out of sight is not drawn
    await expect.poll(() => hashOf(learningRate)).not.toBe(whole);
    await page.mouse.move(2, 2);
    const zoomed = await settled(page);
    await keepScreenshot(page, 'run-zoomed');
    await page.reload();
    await expect(lossFigure(page)).toHaveAttribute('data-points', '40');
    await expect.poll(() => picture(page)).toBe(zoomed);
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    await page.getByRole('switch', { name: 'Log scale' }).click();
    await page.mouse.move(2, 2);
    await expect.poll(() => picture(page)).toBe(all);
  });

  await test.step('CSV holds what the API holds, PNG is a picture', async () => {
    const { steps, evaluations } = await ask<Metrics>(page, 'runs.metrics', { id: run.id });
    const [head, ...lines] = (await saved(page, 'All series as CSV')).toString('utf8').trimEnd().split('\n');
    const rows = lines.map((line) =>
      Object.fromEntries(line.split(',').map((cell, i) => [head!.split(',')[i]!, cell])),
    );
    const trained = rows.filter((row) => row['train_loss'] !== '');
    expect(
      trained.map((row) =>
        [row['step'], row['train_loss'], row['learning_rate'], row['gradient_norm'], row['elapsed_ms']].map(Number),
      ),
    ).toEqual(steps.map(({ step, loss, lr, gradNorm, elapsedMs }) => [step, loss, lr, gradNorm, elapsedMs]));
    expect(
      rows
        .filter((row) => row['validation_loss'] !== '')
        .map((row) => [Number(row['step']), Number(row['validation_loss'])]),
    ).toEqual(evaluations.map(({ step, valLoss }) => [step, valLoss]));
    const png = await saved(page, 'Loss as PNG');
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(await coloursOf(page, png)).toBeGreaterThan(20);
    await expectAccessible(page);
    await keepScreenshot(page, 'run-complete');
  });
});

async function fromMenu(page: Page, item: string): Promise<void> {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Line, loss and labelled tokens as the dialog shows them. */
async function rowsOf(
  rows: ReturnType<Page['getByRole']>,
): Promise<{ line: number; loss: number; labelled: number }[]> {
  const parts = await rows.evaluateAll((all) =>
    all.slice(1).map((row) => {
      const lines = (place: string): string[] => (row.querySelector(place) as HTMLElement).innerText.split('\n');
      const [line, tokens] = lines('td:nth-child(5)');
      return { line, tokens, loss: lines('td:nth-child(2)')[0] };
    }),
  );
  return parts.map(({ line, tokens, loss }) => ({
    line: Number(line),
    loss: Number(loss),
    labelled: Number.parseInt(tokens!, 10),
  }));
}

async function hashOf(figure: ReturnType<Page['getByRole']>): Promise<string> {
  return createHash('sha256')
    .update(await figure.locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()))
    .digest('hex');
}

const picture = (page: Page): Promise<string> => hashOf(lossFigure(page));

/** The picture once two looks in a row are alike. */
async function settled(page: Page): Promise<string> {
  let last = '';
  await expect
    .poll(async () => {
      const before = last;
      last = await picture(page);
      return last === before;
    })
    .toBe(true);
  return last;
}

/** Drags over the loss graph, from and to these shares of its width. */
async function drag(page: Page, from: number, to: number): Promise<void> {
  // New points may be drawing the figure anew at this moment.
  let found: Awaited<ReturnType<Locator['boundingBox']>> = null;
  await expect.poll(async () => (found = await lossFigure(page).locator('.u-over').boundingBox())).not.toBeNull();
  const box = found!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + from * box.width, y);
  await page.mouse.down();
  await page.mouse.move(box.x + to * box.width, y, { steps: 5 });
  await page.mouse.up();
}

async function saved(page: Page, item: string): Promise<Buffer> {
  await page.getByRole('button', { name: 'Save graphs' }).click();
  const coming = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: item }).click();
  const download: Download = await coming;
  return fs.readFileSync(path.resolve(await download.path()));
}

/** How many different colours a picture has, as the browser decodes it. */
function coloursOf(page: Page, png: Buffer): Promise<number> {
  return page.evaluate(async (base64) => {
    const image = await createImageBitmap(
      new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], { type: 'image/png' }),
    );
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
    context.drawImage(image, 0, 0);
    return new Set(new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)).size;
  }, png.toString('base64'));
}

test('a server that starts again under the open page', async ({ graft: page, app }, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'In Electron page and server end together.');
  const run = await queueRun(page, await addParts(page), { name: 'long', train: { steps: 5000, checkpointEvery: 10 } });
  await openHash(page, `#/runs/${run.id}`);
  await haltAfter(page, run.id, 12);
  await expect.poll(() => pointCount(page)).toBeGreaterThan(11);
  await app.restart!(async () => {
    await expect(page.getByRole('alert')).toContainText('Graft does not answer');
    await expect(page.getByRole('button', { name: 'Reconnect' })).toBeVisible();
    // Nothing that looks live: no button that cannot work, no time that counts down.
    await expect(page.getByRole('button', { name: 'Pause' })).toHaveCount(0);
    await expect(page.getByText('last seen running')).toBeVisible();
    await expect(page.getByText(/^Time left\s?–$/)).toBeVisible();
    await expect(page.getByRole('navigation', { name: 'Pages' })).toContainText('Graft does not answer');
    await keepScreenshot(page, 'run-no-answer');
  });
  // Without a click: the page goes on by itself, and shows what became of the run.
  await expect(page.getByRole('main').getByText('Graft does not answer')).toBeHidden({ timeout: 30_000 });
  await expect(page.getByRole('navigation', { name: 'Pages' })).not.toContainText('Graft does not answer');
  await expect(page.getByRole('main').getByText('failed', { exact: true })).toBeVisible();
  const points = await pointCount(page);
  await page.getByRole('button', { name: /^Resume from step \d+$/ }).click();
  await expect.poll(() => pointCount(page), { timeout: 60_000 }).toBeGreaterThan(points);
});
