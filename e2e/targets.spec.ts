/** Other machines: named in Settings, told what is wrong at its field, chosen in the review step. */
import path from 'node:path';
import type { RemoteTarget } from '../src-shared/remoteTargets.ts';
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, expect, goTo, keepScreenshot, openStep, test } from './fixtures.ts';

test('a machine is added, changed and removed, and its fields say what is wrong with them', async ({
  graft: page,
  home,
}) => {
  const known = async () => (await ask<RemoteTarget[]>(page, 'targets.list')).map(({ name }) => name);
  const workDir = path.join(home, 'work');
  await goTo(page, 'Settings');
  const card = page.getByRole('region', { name: 'Other machines' });
  await expect(card).toContainText('every run is trained here');

  await card.getByRole('button', { name: 'Add' }).click();
  const form = page.getByRole('dialog', { name: 'Add another machine' });
  const save = form.getByRole('button', { name: 'Save and check' });
  await expect(form.getByRole('alert')).toHaveCount(0);
  await form.getByLabel('Name', { exact: true }).fill('lab');
  await form.getByLabel('Work folder').fill('relative');
  await form.getByText('More settings').click();
  await form.getByLabel('Threads').fill('0');
  await form.getByText('More settings').click();
  await save.click();
  await expect(form.getByLabel('Work folder')).toBeFocused();
  await expect(form.getByLabel('Work folder')).toHaveAccessibleDescription('Must begin with /');
  await expect(form.getByLabel('Threads')).toHaveAccessibleDescription('A whole number from 1 on.');
  await expectAccessible(page);
  await keepScreenshot(page, 'other-machine');
  await form.getByLabel('Threads').fill('');
  await form.getByLabel('Work folder').fill(workDir);
  await form.getByLabel('Partition').fill('gpu');
  await save.click();
  await expect(form).toBeHidden();
  await expect(card).toContainText(`Slurm, this machine, ${workDir}`);
  expect(await ask(page, 'targets.list')).toMatchObject([
    { kind: 'slurm', name: 'lab', options: { partition: 'gpu' } },
  ]);

  await card.getByRole('button', { name: 'Add' }).click();
  await form.getByRole('radio', { name: 'One other machine' }).click();
  await expect(form.getByLabel('Partition')).toHaveCount(0);
  await form.getByLabel('Name', { exact: true }).fill('lab');
  await form.getByLabel('Host').fill('127.0.0.1');
  await form.getByLabel('Work folder').fill(workDir);
  await save.click();
  await expect(form.getByLabel('Name', { exact: true })).toHaveAccessibleDescription(
    'This name is taken; choose another.',
  );
  await form.getByLabel('Name', { exact: true }).fill('second PC');
  await form.getByText('More settings').click();
  await form.getByLabel('Port').fill('1');
  await save.click();
  await expect(form).toBeHidden();
  expect(await known()).toEqual(['lab', 'second PC']);

  await card.getByRole('button', { name: 'Change second PC' }).click();
  const change = page.getByRole('dialog', { name: 'Change second PC' });
  await expect(change.getByLabel('Port')).toHaveValue('1');
  await change.getByLabel('Host').fill('me@127.0.0.1');
  await change.getByRole('button', { name: 'Save and check' }).click();
  await expect(card).toContainText('ssh, me@127.0.0.1');
  await expectAccessible(page);

  await card.getByRole('button', { name: 'Remove lab' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
  await expect.poll(known).toEqual(['second PC']);
});

test('the review step offers the machines, and the command line follows', async ({ graft: page, home }) => {
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await openStep(page, 'Review');
  await page.getByRole('link', { name: 'Name another one in Settings' }).click();
  const card = page.getByRole('region', { name: 'Other machines' });
  await card.getByRole('button', { name: 'Add' }).click();
  await page.getByLabel('Name', { exact: true }).fill('lab');
  await page.getByLabel('Work folder').fill(path.join(home, 'work'));
  await page.getByRole('button', { name: 'Save and check' }).click();
  await expect(card).toContainText('lab');

  await goTo(page, 'New run');
  await openStep(page, 'Review');
  const choice = page.getByLabel('Where it trains');
  await expect(choice).toHaveValue('');
  await expect(page.getByRole('button', { name: 'Start training' })).toBeVisible();
  await choice.selectOption('lab');
  await expect(page.getByRole('button', { name: 'Send it there' })).toBeVisible();
  await expect(page.getByTestId('command-line')).toContainText(' --on lab ');
  await page.reload();
  await expect(choice).toHaveValue('lab');
  await choice.selectOption('This machine');
  await expect(page.getByTestId('command-line')).not.toContainText('--on');
});
