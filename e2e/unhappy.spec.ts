/** What goes wrong is said in one sentence, with a way out. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {
  addSample,
  addStarterModel,
  ask,
  change,
  expect,
  goTo,
  keepScreenshot,
  lossFigure,
  pointCount,
  startRun,
  test,
} from './fixtures.ts';
import { REPO } from './host.ts';
import { addParts, haltAfter, train } from './realRuns.ts';

test('a dataset with bad rows shows lines and reasons, and goes on with the rest when told to', async ({
  graft: page,
  home,
}) => {
  const file = path.join(home, 'some-bad.jsonl');
  const good = (n: number) => JSON.stringify({ prompt: `question ${n}`, completion: ` answer ${n}` });
  fs.writeFileSync(
    file,
    [good(1), '{"prompt": "cut off', good(3), JSON.stringify({ prompt: 'no answer' }), good(5)].join('\n'),
  );

  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
  const bad = page.getByRole('region', { name: 'Bad rows' });
  await expect(bad.getByRole('row', { name: /^2 .*JSON/i })).toBeVisible();
  await expect(bad.getByRole('row', { name: /^4 .*completion/i })).toBeVisible();
  await expect(bad.getByRole('row')).toHaveCount(3);
  await keepScreenshot(page, '20-bad-rows');

  await page.getByRole('button', { name: 'Go on with 3 rows' }).click();
  await expect(page.getByRole('region', { name: 'Details of some-bad.jsonl' })).toContainText(/Good rows\s*3/);
});

test('a folder without config.json is refused with a sentence that names it', async ({ graft: page, home }) => {
  const dir = path.join(home, 'not-a-model');
  fs.mkdirSync(dir);
  await goTo(page, 'Models');
  await page.getByLabel('Model folder').fill(dir);
  await page.getByRole('button', { name: 'Add model' }).click();
  await expect(page.getByRole('alert')).toContainText('config.json');
  await expect(page.getByRole('alert')).toContainText(dir);
  await expect(page.getByRole('table')).toHaveCount(0);
  await keepScreenshot(page, '21-no-config');

  await test.step('so is the name of a repository, with the way to its folder', async () => {
    await page.getByLabel('Model folder').fill('nobody/no-such-model');
    await page.getByRole('button', { name: 'Add model' }).click();
    await expect(page.getByRole('alert')).toContainText('repository on Hugging Face');
    await expect(page.getByRole('alert')).toContainText('graft pull hf:nobody/no-such-model');
    await expect(page.getByRole('button', { name: 'Look for it on Hugging Face' })).toBeVisible();
  });

  await test.step('and an address that names no page', async () => {
    await page.evaluate(() => (window.location.hash = '#/modles'));
    await expect(page.getByRole('heading', { name: 'Not found', level: 1 })).toBeVisible();
    await page.getByRole('main').getByRole('link', { name: 'Models' }).click();
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  });
});

test('the folder browser of the web host leads to a checkpoint', async ({ graft: page }, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'Electron shows the native dialog instead.');
  await goTo(page, 'Models');
  await page.getByRole('button', { name: 'Browse…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Choose a folder' });
  const box = (await dialog.boundingBox())!;
  const { width, height } = page.viewportSize()!;
  expect(Math.abs(box.x + box.width / 2 - width / 2)).toBeLessThan(2);
  expect(Math.abs(box.y + box.height / 2 - height / 2)).toBeLessThan(2);
  await dialog.getByLabel('Path').fill(path.join(REPO, 'resources', 'starter'));
  await dialog.getByRole('button', { name: 'Go' }).click();
  await dialog.getByRole('button', { name: /^model\// }).click();
  await keepScreenshot(page, '22-browse');
  await dialog.getByRole('button', { name: 'Choose this folder' }).click();
  await page.getByRole('button', { name: 'Add model' }).click();
  await expect(page.getByRole('region', { name: /^Details of/ })).toContainText('Target modules');
});

test('a worker killed in the middle is a failed run that resumes to its end', async ({ graft: page }) => {
  test.setTimeout(300_000);
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await startRun(page, { Steps: 30, 'Batch size': 2, 'Checkpoint every': 5, 'Evaluate every': 0 });
  const id = page.url().split('/').at(-1)!;
  await haltAfter(page, id, 9);
  await expect.poll(() => pointCount(page)).toBeGreaterThan(8);

  const { pid } = await ask<{ pid: number | null }>(page, 'runs.get', { id });
  expect(pid).not.toBeNull();
  process.kill(pid!, 'SIGKILL');

  await expect(page.getByText('failed', { exact: true })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('resume');
  await keepScreenshot(page, '23-run-failed');

  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 200_000 });
  await expect(lossFigure(page)).toHaveAttribute('data-points', '30');
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('an export onto a full disk says how much is missing, and goes on in another folder', async ({
  graft: page,
  home,
}, testInfo) => {
  test.setTimeout(240_000);
  testInfo.skip(
    process.platform !== 'linux' || process.getuid?.() !== 0,
    'Only root on Linux can make a small disk for this test.',
  );
  const small = path.join(home, 'small');
  fs.mkdirSync(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small], { stdio: 'ignore' });
  } catch {
    testInfo.skip(true, 'No small disk can be mounted here.');
  }
  try {
    await train(page, await addParts(page), { train: { steps: 1 } });
    await goTo(page, 'Export');
    await page.getByRole('radio', { name: 'Python' }).click();
    await page.getByLabel('Inside', { exact: true }).fill(small);
    const start = page.getByRole('button', { name: 'Merge and export' });
    // The plan of the small disk, which is made a moment after the last change of the form.
    const plan = page.getByRole('region', { name: 'What will be written' });
    await expect(plan).toContainText(/Free on this disk\s*[34](\.\d+)? MiB/);
    await expect(plan).toContainText('model.safetensors');
    await expect(plan).toHaveAttribute('aria-busy', 'false');
    await expect(start).toBeEnabled();
    // The disk fills up after the plan was made.
    fs.writeFileSync(path.join(small, 'something-else'), Buffer.alloc(4 * 2 ** 20 - 200 * 1024));
    await start.click();
    const alert = page.getByRole('alert').first();
    await expect(alert).toContainText(/disk|free/i, { timeout: 60_000 });
    await expect(alert).toContainText(small);
    expect(fs.readdirSync(small)).toEqual(['something-else']);
    await keepScreenshot(page, '24-disk-full');

    await alert.getByRole('button', { name: 'Choose another folder' }).click();
    const dialog = page.getByRole('dialog', { name: 'Choose a folder' });
    await dialog.getByRole('button', { name: 'Up' }).click();
    await dialog.getByRole('button', { name: /^exports\// }).click();
    await dialog.getByRole('button', { name: 'Choose this folder' }).click();
    await start.click();
    await expect(
      page.getByRole('region', { name: 'Parity certificate' }).getByText('passed', { exact: true }),
    ).toBeVisible({ timeout: 90_000 });
    expect(fs.readdirSync(path.join(home, 'exports'))).toHaveLength(1);
  } finally {
    execFileSync('umount', [small]);
  }
});

test('what another window has taken away is said, and the board shows what is left', async ({
  graft: page,
}, testInfo) => {
  test.setTimeout(240_000);
  testInfo.skip(testInfo.project.name === 'electron', 'Electron opens one window.');
  const parts = await addParts(page);
  const { spec } = await train(page, parts, { name: 'first', train: { steps: 1 } });
  const { id: second } = await change<{ id: string }>(page, 'adapters.import', {
    dir: spec.outDir,
    taskName: 'describe',
    name: 'second',
  });
  await goTo(page, 'Adapters');
  await goTo(page, 'Home');
  const choice = page.getByRole('group', { name: 'Active adapter of describe' });
  await expect(choice.getByRole('button', { name: /^second/ })).toBeVisible();

  const other = await page.context().newPage();
  await other.goto(page.url());
  await expect(
    other.getByRole('group', { name: 'Active adapter of describe' }).getByRole('button', { name: /^second/ }),
  ).toBeVisible();
  await change(other, 'adapters.trash', { ids: [second] });
  await other.close();

  await choice.getByRole('button', { name: /^second/ }).click();
  await expect(page.getByRole('alert')).toContainText('has no adapter');
  await page.getByRole('button', { name: 'Reload the board' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(choice.getByRole('button', { name: /^second/ })).toHaveCount(0);
});

test('a server that was started again under an open page is found again', async ({ graft: page, app }, testInfo) => {
  testInfo.skip(testInfo.project.name === 'electron', 'In Electron page and server are one program.');
  await addStarterModel(page);
  await app.restart!(async () => {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Datasets' }).click();
    await expect(page.getByRole('alert').first()).toContainText('Graft does not answer');
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Models' }).click();
    await expect(page.getByRole('alert').first()).toContainText('Graft does not answer');
    await page.getByRole('alert').first().getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('alert').first()).toContainText('Graft does not answer');
  });
  // Without another click: the page asks again by itself.
  await expect(page.getByRole('row', { name: /stories|starter|model/i }).first()).toBeVisible({ timeout: 15_000 });
  await expect(page.getByRole('alert')).toHaveCount(0);
});
