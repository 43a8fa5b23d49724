/** The catalogue of adapters: found, sorted, tagged, compared, switched, deleted and brought back, imported. */
import fs from 'node:fs';
import path from 'node:path';
import type { AdapterView, RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, train } from './realRuns.ts';

test('find, tag, note, compare, switch, delete, restore, import', async ({ graft: page, home }) => {
  test.setTimeout(400_000);
  const parts = await addParts(page);
  const runs = {
    small: await train(page, parts, { name: 'small', train: { evalEvery: 4 } }),
    wide: await train(page, parts, {
      name: 'wide',
      method: { type: 'lora', rank: 16, targets: ['q', 'v', 'o'] },
      train: { lr: 0.001, seed: 3, evalEvery: 4 },
    }),
    other: await train(page, parts, { name: 'other', taskName: 'extract', train: { lr: 0.002, evalEvery: 4 } }),
  };
  await goTo(page, 'Adapters');
  const describe = page.getByRole('region', { name: 'Task describe' });
  const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
  await expect(describe).toContainText('2 adapters');
  await expect(row('small')).toContainText('active');

  await test.step('tags and notes are kept, search and order too', async () => {
    await row('wide').getByRole('button', { name: 'Add a tag to wide' }).click();
    await page.getByLabel('New tag of wide').fill('paper');
    await page.keyboard.press('Enter');
    await expect(row('wide').getByRole('list', { name: 'Tags of wide' })).toContainText('paper');
    await row('small').getByRole('button', { name: 'Write a note on small' }).click();
    await page.getByLabel('Notes on small').fill('first try, too short');
    await page.keyboard.press('Control+Enter');
    await expect(row('small')).toContainText('first try, too short');

    await page.getByLabel('Order').selectOption('Lowest validation loss');
    await page.getByRole('radio', { name: 'One list' }).click();
    const lossOf = (run: RunView) => run.result!.valLoss!;
    const byLoss = Object.entries(runs)
      .sort(([, a], [, b]) => lossOf(a) - lossOf(b))
      .map(([name]) => name);
    const shownNames = () =>
      page.getByRole('region', { name: 'All adapters' }).locator('tbody tr td:nth-child(2) > a').allTextContents();
    await expect.poll(shownNames).toEqual(byLoss);
    await keepScreenshot(page, 'adapters-list');
    await page.getByRole('button', { name: /^paper/ }).click();
    await expect.poll(shownNames).toEqual(['wide']);
    await page.reload();
    await expect.poll(shownNames).toEqual(['wide']);
    await expect(page.getByRole('button', { name: /^paper/ })).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('button', { name: /^paper/ }).click();
    await page.getByLabel('Search adapters').fill('too short');
    await expect.poll(shownNames).toEqual(['small']);
    await page.getByLabel('Search adapters').fill('nothing like this');
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(shownNames).toEqual(byLoss);
    await page.getByRole('radio', { name: 'By task' }).click();
  });

  await test.step('the comparison shows exactly the settings that differ', async () => {
    for (const name of ['small', 'wide']) await row(name).getByRole('checkbox').check();
    await page.getByRole('region', { name: 'Selected adapters' }).getByRole('link', { name: 'Compare' }).click();
    await expect(page.getByRole('heading', { name: 'Compare adapters', level: 1 })).toBeVisible();
    const shown = async () => {
      const rows = page.locator('tr[data-setting]');
      return (await rows.evaluateAll((all) => all.map((one) => one.getAttribute('data-setting')))).toSorted();
    };
    await expect.poll(shown).toEqual(differing(runs.small.spec, runs.wide.spec));
    await expect(page.locator('tr[data-setting="train.lr"]')).toContainText('0.005');
    await expect(page.locator('tr[data-setting="train.batch"]')).toHaveCount(0);
    await page.getByRole('switch', { name: /that are the same/ }).click();
    await expect(page.locator('tr[data-setting="train.batch"]')).toContainText('2');
    await expect(page.getByRole('figure', { name: 'Loss by step' }).locator('canvas')).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, 'adapters-compare');
    await page.getByRole('link', { name: 'Back to the adapters' }).click();
  });

  await test.step('one click switches, with its milliseconds', async () => {
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await expect(page.getByText('is loaded on')).toBeVisible({ timeout: 60_000 });
    await row('wide')
      .getByRole('button', { name: /^Switch to/ })
      .click();
    await expect(describe.getByText(/^Switched in [\d.]+ ms\.$/)).toBeVisible();
    await expect(row('wide')).toContainText('active');
    await expectAccessible(page);
    await keepScreenshot(page, 'adapters');
  });

  await test.step('the page of an adapter names base, data, run and seed', async () => {
    await page.getByRole('link', { name: 'wide', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'wide', level: 1 })).toBeVisible();
    const lineage = page.getByRole('region', { name: 'Lineage' });
    for (const text of ['Starter', runs.wide.spec.model.hash, runs.wide.spec.data.hash!, 'Sample: describe'])
      await expect(lineage).toContainText(text);
    await expect(lineage.getByText('Seed', { exact: true }).locator('..')).toContainText('3');
    await expect(page.getByRole('region', { name: 'Files' })).toContainText('adapter_model.safetensors');
    await expect(page.getByRole('region', { name: 'Files' })).toContainText(runs.wide.result!.sha256);
    await expectAccessible(page);
    await keepScreenshot(page, 'adapter');
    await page.getByRole('button', { name: 'More for wide' }).click();
    await page.getByRole('menuitem', { name: 'Use these settings for a new run' }).click();
    // The wizard takes the settings over and then drops them from the address.
    await expect(page.getByRole('heading', { name: 'New run', level: 1 })).toBeVisible();
  });

  const wide = (await ask<AdapterView[]>(page, 'adapters.list')).find(({ name }) => name === 'wide')!;
  const copy = path.join(home, 'copy-of-wide');

  await test.step('an exported folder comes back with the same weights', async () => {
    fs.cpSync(wide.dir, copy, { recursive: true });
    await goTo(page, 'Adapters');
    await page.getByRole('button', { name: 'Import…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Import an adapter' });
    await dialog.getByLabel('Adapter folder').fill(path.join(home, 'nowhere'));
    await expect(dialog.getByRole('alert')).toContainText(path.join(home, 'nowhere'));
    await dialog.getByLabel('Adapter folder').fill(copy);
    await expect(dialog).toContainText('has these weights already, as "wide"');
    await expect(dialog.getByRole('alert')).toHaveCount(0);
    await dialog.getByLabel('Name', { exact: true }).fill('come back');
    await dialog.getByLabel('Task', { exact: true }).fill('imported');
    await expectAccessible(page);
    await keepScreenshot(page, 'adapters-import');
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await expect(
      page.getByRole('region', { name: 'Task imported' }).getByRole('row', { name: /come back/ }),
    ).toContainText('active');
    const imported = (await ask<AdapterView[]>(page, 'adapters.list')).find(({ name }) => name === 'come back')!;
    expect(imported).toMatchObject({
      sha256: wide.sha256,
      method: wide.method,
      modelId: parts.modelId,
      finalLoss: null,
    });
    expect(fs.readFileSync(path.join(imported.dir, 'adapter_model.safetensors'))).toEqual(
      fs.readFileSync(path.join(wide.dir, 'adapter_model.safetensors')),
    );
  });

  await test.step('the files of an adapter are dropped together', async () => {
    const names = fs.readdirSync(wide.dir).filter((name) => /^(adapter_|graft)/.test(name));
    const files = names.map((name) => [name, fs.readFileSync(path.join(wide.dir, name)).toString('base64')] as const);
    await page.getByRole('button', { name: 'Import…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Import an adapter' });
    const dropped = await page.evaluateHandle((list) => {
      const transfer = new DataTransfer();
      for (const [name, content] of list)
        transfer.items.add(new File([Uint8Array.from(atob(content), (char) => char.charCodeAt(0))], name));
      return transfer;
    }, files);
    await dialog.getByRole('group', { name: /^Drop an adapter/ }).dispatchEvent('drop', { dataTransfer: dropped });
    await expect(dialog).toContainText('has these weights already, as "wide"');
    await dialog.getByLabel('Name', { exact: true }).fill('dropped');
    await dialog.getByLabel('Task', { exact: true }).fill('imported');
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await expect(page.getByRole('row', { name: /dropped/ })).toBeVisible();
    const imported = (await ask<AdapterView[]>(page, 'adapters.list')).find(({ name }) => name === 'dropped')!;
    expect(imported.sha256).toBe(wide.sha256);
  });

  await test.step('a model that is not registered is named, and the button leads to the models', async () => {
    const info = JSON.parse(fs.readFileSync(path.join(copy, 'graft.json'), 'utf8')) as object;
    fs.writeFileSync(
      path.join(copy, 'graft.json'),
      JSON.stringify({ ...info, baseHash: 'f'.repeat(64), baseName: 'Stranger' }),
    );
    await page.getByRole('button', { name: 'Import…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Import an adapter' });
    await dialog.getByLabel('Adapter folder').fill(copy);
    await expect(dialog.getByRole('alert')).toContainText(
      'was trained on Stranger (ffffffffffff), which is not among the registered base models',
    );
    await dialog.getByRole('link', { name: 'Add a model' }).click();
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  });

  await test.step('deleted, undone, deleted, restored, deleted for good', async () => {
    await goTo(page, 'Adapters');
    const trash = async (name: string) => {
      await row(name)
        .getByRole('button', { name: /^More for/ })
        .click();
      await page.getByRole('menuitem', { name: 'Move to the trash' }).click();
      await expect(row(name)).toHaveCount(0);
    };
    await trash('wide');
    await expect.poll(() => fs.existsSync(wide.dir)).toBe(false);
    await expect(describe.getByRole('row', { name: /Plain base/ })).toContainText('active');
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(row('wide')).toContainText('active');
    await expect.poll(() => fs.existsSync(wide.dir)).toBe(true);

    await trash('wide');
    await page.getByRole('link', { name: /^Trash/ }).click();
    await expect(page.getByRole('heading', { name: 'Trash', level: 1 })).toBeVisible();
    await expect(page.getByRole('row', { name: /^wide/ })).toContainText('was active');
    await expectAccessible(page);
    await keepScreenshot(page, 'adapters-trash');
    await page.getByRole('button', { name: 'Restore wide' }).click();
    await expect(page.getByRole('heading', { name: 'The trash is empty' })).toBeVisible();
    await page.getByRole('link', { name: 'Back to the adapters' }).click();
    await trash('wide');
    await page.getByRole('link', { name: /^Trash/ }).click();
    await page.getByRole('button', { name: 'Delete for good: wide' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete for good', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'The trash is empty' })).toBeVisible();
    await expect.poll(() => fs.readdirSync(path.join(home, 'trash'))).toEqual([]);
    expect(fs.existsSync(wide.dir)).toBe(false);
  });
});

test('a task with adapters is not deleted, and the button empties it', async ({ graft: page }) => {
  const parts = await addParts(page);
  await train(page, parts, { name: 'small', train: { steps: 1 } });
  await change(page, 'tasks.create', { name: 'spare' });
  await goTo(page, 'Adapters');
  const moreFor = async (task: string, item: string) => {
    await page.getByRole('button', { name: `More for task ${task}` }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  const describe = page.getByRole('region', { name: 'Task describe' });
  await moreFor('spare', 'Delete task');
  await expect(page.getByRole('region', { name: 'Task spare' })).toHaveCount(0);
  await moreFor('describe', 'Delete task');
  await expect(describe.getByRole('alert')).toContainText('The task "describe" still has an adapter');
  await keepScreenshot(page, 'adapters-task-not-empty');
  await describe.getByRole('button', { name: 'Move its adapters to the trash' }).click();
  await expect(describe).toContainText('0 adapters');
  await expect(describe.getByRole('alert')).toHaveCount(0);
  await moreFor('describe', 'Delete task');
  await expect(describe).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(describe.getByRole('row', { name: /small/ })).toContainText('active');
});

/** Keys of the settings in which two specs differ, counted here on their own. */
function differing(a: RunView['spec'], b: RunView['spec']): string[] {
  const compared = ['method', 'train', 'data'] as const;
  return compared
    .flatMap((part) => {
      const [one, two] = [a[part], b[part]] as [Record<string, unknown>, Record<string, unknown>];
      return [...new Set([...Object.keys(one), ...Object.keys(two)])]
        .filter((key) => JSON.stringify(one[key]) !== JSON.stringify(two[key]))
        .map((key) => `${part}.${key}`);
    })
    .sort();
}
