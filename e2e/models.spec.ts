/** Models: added, looked at, moved away and put right again, and fetched from a server that behaves as the hub. */
import fs from 'node:fs';
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { expect, goTo, test } from './fixtures.ts';
import { REPO } from './host.ts';
import { FakeHub } from '../test-support/fakes/hub.ts';
import { writeStarterGguf } from '../test-support/fixtures/starterGguf.ts';

test('a model whose folder was moved is marked, and fine again once it is relocated', async ({ graft: page, home }) => {
  test.setTimeout(120_000);
  const [dir, moved, other] = ['first', 'moved', 'other'].map((name) => path.join(home, name)) as [
    string,
    string,
    string,
  ];
  fs.cpSync(path.join(REPO, 'resources/starter/model'), dir, { recursive: true });
  await goTo(page, 'Models');
  await page.getByLabel('Model folder').fill(dir);
  await page.getByRole('button', { name: 'Add model' }).click();
  const details = page.getByRole('region', { name: /^Details of/ });
  await expect(details).toContainText('round trip exact', { timeout: 30_000 });
  await expect(details.getByRole('row', { name: /^TensorFlow/ })).toContainText('MiB', { timeout: 30_000 });
  await expectAccessible(page);

  fs.renameSync(dir, moved);
  fs.cpSync(moved, other, { recursive: true });
  const weights = fs.readFileSync(path.join(other, 'model.safetensors'));
  weights[weights.length - 1]! ^= 1;
  fs.writeFileSync(path.join(other, 'model.safetensors'), weights);
  await page.reload();
  await expect(page.getByRole('row', { name: /^first/ })).toContainText('folder is gone');

  await details.getByLabel('New folder').fill(other);
  await details.getByRole('button', { name: 'Relocate' }).click();
  await expect(details.getByRole('button', { name: 'Add as another model' })).toBeVisible();
  await details.getByLabel('New folder').fill(moved);
  await details.getByRole('button', { name: 'Relocate' }).click();
  await expect(page.getByText('folder is gone')).toHaveCount(0);
  await expect(details).toContainText(moved);
});

test('a GGUF file is added by its path, read in place, and answers', async ({ graft: page, home }) => {
  test.setTimeout(120_000);
  const [file, moved] = ['starter-Q8_0.gguf', 'moved.gguf'].map((name) => path.join(home, name)) as [string, string];
  await writeStarterGguf(file);
  await goTo(page, 'Models');
  await page.getByLabel('Model folder or GGUF file').fill(file);
  await page.getByRole('button', { name: 'Add model' }).click();
  const details = page.getByRole('region', { name: 'Details of starter-Q8_0' });
  await expect(details).toContainText('GGUF, Q8_0', { timeout: 30_000 });
  await expect(details).toContainText(file);
  await expect(details).toContainText('round trip exact', { timeout: 30_000 });
  await expectAccessible(page);

  fs.renameSync(file, moved);
  await page.reload();
  await expect(page.getByRole('row', { name: /^starter-Q8_0/ })).toContainText('file is gone');
  await details.getByLabel('New place of the file').fill(moved);
  await details.getByRole('button', { name: 'Relocate' }).click();
  await expect(page.getByText('file is gone')).toHaveCount(0);
  await details.getByRole('link', { name: 'Try it' }).click();
  await page.getByLabel('Prompt').fill('name: Clever Oak');
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Output' })).toContainText(/tokens\/s;/, { timeout: 60_000 });
  await expect(page.getByTestId('generated')).toContainText('food:');
});

const STARTER = path.join(REPO, 'resources/starter/model');

const withHub = test.extend<{ hub: FakeHub }>({
  hub: async ({}, use) => {
    const hub = await FakeHub.start();
    hub.add('owner/starter', STARTER, { licence: 'mit' });
    hub.add('owner/gated', STARTER, { licence: 'llama3', gated: true });
    await use(hub);
    await hub.close();
  },
  hostEnv: async ({ hub, home }, use) => {
    await use({ HF_ENDPOINT: hub.endpoint, HF_HOME: path.join(home, 'hf'), HF_HUB_CACHE: path.join(home, 'hf/hub') });
  },
});

withHub(
  'a name in the folder field leads to Hugging Face: licence and size, then the model',
  async ({ graft, hub }) => {
    const page = graft;
    const card = page.getByRole('region', { name: 'From Hugging Face' });
    await goTo(page, 'Models');
    expect(hub.requests).toEqual([]);
    await page.getByLabel('Model folder').fill('owner/starter');
    await page.getByRole('button', { name: 'Add model' }).click();
    expect(hub.requests).toEqual([]);
    await page.getByRole('button', { name: 'Look for it on Hugging Face' }).click();
    await expect(card).toContainText(/Licence\s*mit/);
    await expectAccessible(page);

    await test.step('it is cancelled on its way, and goes on', async () => {
      hub.faults = { slowMs: 100 };
      await card.getByRole('button', { name: /^Download 1\.8 MiB/ }).click();
      const pull = card.getByRole('article', { name: 'Download of hf:owner/starter' });
      await expect(pull).toContainText(/model\.safetensors: .* of 1\.8 MiB, .*\/s/);
      await pull.getByRole('button', { name: 'Cancel' }).click();
      await expect(pull).toContainText('What has come so far is kept');
      await page.reload();
      hub.faults = {};
      await pull.getByRole('button', { name: 'Go on' }).click();
      await expect(pull).toHaveAttribute('data-pull-status', 'completed');
      expect(hub.requests.at(-1)?.range).toMatch(/^bytes=[1-9]/);
      await expect(page.getByRole('row', { name: /^owner\/starter/ })).toBeVisible();
    });

    await test.step('a gated one asks for a token', async () => {
      await card.getByLabel('Repository').fill('owner/gated');
      await card.getByRole('button', { name: 'Show licence and size' }).click();
      await expect(card).toContainText(/Licence\s*llama3, gated/);
      await card.getByRole('button', { name: /^Download/ }).click();
      const pull = card.getByRole('article', { name: 'Download of hf:owner/gated' });
      await expect(pull.getByRole('alert')).toContainText('owner/gated is gated; accept the licence on');
      await card.getByLabel('Token of Hugging Face').fill(hub.token);
      await card.getByRole('button', { name: 'Keep token' }).click();
      await expect(card.getByRole('status')).toContainText('The token is kept in');
      await expectAccessible(page);
      await pull.getByRole('button', { name: 'Go on' }).click();
      await expect(pull).toHaveAttribute('data-pull-status', 'completed');
    });
  },
);
