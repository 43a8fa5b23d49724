/** Models: added, looked at, moved away and put right again, and fetched from a server that behaves as the hub. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RECOMMENDED_MODELS } from '../src-shared/recommendedModels.ts';
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';
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
const SMALLEST = RECOMMENDED_MODELS[0]!;
const downloadOf = ({ title }: { title: string }): RegExp => new RegExp(`^Download .*: ${title}$`);
const GATED = RECOMMENDED_MODELS.find(({ gated }) => gated)!;

const withHub = test.extend<{ hub: FakeHub }>({
  hub: async ({}, use) => {
    const hub = await FakeHub.start();
    hub.add('owner/starter', STARTER, { licence: 'mit' });
    hub.add('owner/gated', STARTER, { licence: 'llama3', gated: true });
    hub.add(SMALLEST.repository, STARTER, { licence: 'apache-2.0' });
    hub.add(GATED.repository, STARTER, { licence: 'gemma', gated: true });
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

withHub('without a model the page says what to begin with, and fetches it with one click', async ({ graft, hub }) => {
  test.setTimeout(120_000);
  const page = graft;
  await goTo(page, 'New run');
  const wizard = page.getByRole('region', { name: 'Models to begin with' });
  await expect(wizard.getByRole('button', { name: downloadOf(SMALLEST) })).toBeVisible();

  await goTo(page, 'Models');
  const list = page.getByRole('list', { name: 'Recommended models' });
  const row = list.getByRole('listitem', { name: SMALLEST.title });
  await expect(row).toContainText(/Fits your (memory|graphics card) in float32/, { timeout: 60_000 });
  await expect(list.getByText('Best to begin with')).toBeVisible();
  await expect(list.getByRole('listitem', { name: GATED.title })).toContainText('accept it there, then give Graft');
  await page.getByRole('button', { name: `Show all ${RECOMMENDED_MODELS.length}` }).click();
  await expect(list.getByRole('listitem')).toHaveCount(RECOMMENDED_MODELS.length);
  await expectAccessible(page);
  await keepScreenshot(page, 'models-recommended');
  expect(hub.requests).toEqual([]);

  const card = page.getByRole('region', { name: 'From Hugging Face' });
  await page.getByRole('button', { name: downloadOf(GATED) }).click();
  await expect(card.getByRole('article', { name: `Download of hf:${GATED.repository}` })).toContainText('is gated');
  await expect(card.getByLabel('Token of Hugging Face')).toBeVisible();
  await page.getByRole('button', { name: downloadOf(SMALLEST) }).click();
  await expect(page.getByRole('row', { name: new RegExp(`^${SMALLEST.repository}`) })).toBeVisible({ timeout: 30_000 });
  await page.getByText('Models that Graft recommends for this machine').click();
  await expect(row).toContainText('In your list');
});

/** The user's own folder, with what four programs keep in it. */
const withCaches = test.extend<{ user: string }>({
  user: async ({ home }, use) => {
    const user = path.join(home, 'user');
    await makeCaches(user);
    await use(user);
  },
  hostEnv: async ({ user }, use) => {
    const cache =
      process.env['GRAFT_CACHE'] ??
      path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'graft');
    const named = [
      'HF_HOME',
      'HF_HUB_CACHE',
      'HUGGINGFACE_HUB_CACHE',
      'XDG_CACHE_HOME',
      'OLLAMA_MODELS',
      'LLAMA_CACHE',
    ];
    await use({
      ...Object.fromEntries(named.map((name) => [name, ''])),
      HOME: user,
      USERPROFILE: user,
      GRAFT_CACHE: cache,
    });
  },
});

async function makeCaches(user: string): Promise<void> {
  const snapshot = path.join(user, '.cache/huggingface/hub/models--owner--starter/snapshots', 'a'.repeat(40));
  const blobs = path.join(snapshot, '../../blobs');
  for (const dir of [snapshot, blobs]) fs.mkdirSync(dir, { recursive: true });
  for (const name of fs.readdirSync(STARTER)) {
    fs.copyFileSync(path.join(STARTER, name), path.join(blobs, `of-${name}`));
    fs.symlinkSync(path.join('../../blobs', `of-${name}`), path.join(snapshot, name));
  }
  const gguf = path.join(user, 'made.gguf');
  await writeStarterGguf(gguf);
  const bytes = fs.readFileSync(gguf);
  fs.rmSync(gguf);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const write = (content: string | Uint8Array, ...parts: string[]): void => {
    const file = path.join(user, ...parts);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  };
  write(bytes, '.ollama/models/blobs', `sha256-${hash}`);
  const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${hash}`, size: bytes.length }];
  write(JSON.stringify({ layers }), '.ollama/models/manifests/registry.ollama.ai/library/starter/latest');
  const mamba = path.join(user, '.lmstudio/models/them/mamba');
  fs.cpSync(STARTER, mamba, { recursive: true });
  const config = JSON.parse(fs.readFileSync(path.join(mamba, 'config.json'), 'utf8')) as object;
  write(JSON.stringify({ ...config, model_type: 'mamba2' }), '.lmstudio/models/them/mamba/config.json');
  write('GGUF and no more', '.cache/llama.cpp/broken.gguf');
  fs.cpSync(STARTER, path.join(user, 'mine/deep/own'), { recursive: true });
  fs.symlinkSync('..', path.join(user, 'mine/deep/up'));
}

/** Every path below a folder with its size and time. */
function treeOf(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('up'))
    .map((name) => `${name} ${fs.lstatSync(path.join(dir, name)).size} ${fs.lstatSync(path.join(dir, name)).mtimeMs}`)
    .sort();
}

withCaches(
  'models of other programs are found and added where they lie, and nothing of them is changed',
  async ({ graft: page, user }) => {
    test.setTimeout(120_000);
    const places = ['.cache/huggingface', '.ollama', '.lmstudio', '.cache/llama.cpp', 'mine'].map((dir) =>
      path.join(user, dir),
    );
    const before = places.map(treeOf);
    await goTo(page, 'Models');
    const found = page.getByRole('region', { name: 'Found on this machine' });
    await expect(found.getByRole('status')).toContainText('4 models of other programs', { timeout: 30_000 });
    await expect(found.getByRole('listitem').filter({ hasText: 'owner/starter' })).toContainText('Can be trained');
    await expect(found.getByRole('listitem').filter({ hasText: 'them/mamba' })).toContainText(
      'names model_type "mamba2"',
    );
    await expect(found.getByRole('listitem').filter({ hasText: 'broken' })).toContainText('Cannot be used');
    await expectAccessible(page);
    await keepScreenshot(page, 'models-found');

    await found.getByRole('button', { name: 'Add starter:latest' }).click();
    const details = page.getByRole('region', { name: 'Details of starter:latest' });
    await expect(details).toContainText('GGUF, Q8_0', { timeout: 30_000 });
    await expect(details).toContainText('round trip exact', { timeout: 30_000 });
    await expect(found.getByRole('button', { name: 'Add starter:latest' })).toHaveCount(0);

    await test.step('a folder of the user is looked through, too, whatever links lead in circles', async () => {
      await found.getByText('Another folder').click();
      await found.getByLabel('Folder to look in').fill(path.join(user, 'mine'));
      await found.getByRole('button', { name: 'Look there, too' }).click();
      await found.getByRole('button', { name: 'Add deep/own' }).click({ timeout: 30_000 });
      await expect(page.getByRole('region', { name: 'Details of deep/own' })).toContainText(
        path.join(user, 'mine/deep/own'),
      );
    });
    expect(places.map(treeOf)).toEqual(before);
  },
);

test('what is dropped in a browser is answered by a sentence, since it does not say where it lies', async ({
  graft: page,
}, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'Electron knows the path of what is dropped');
  await goTo(page, 'Models');
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['GGUF'], 'model.gguf'));
    return transfer;
  });
  await page.getByRole('group', { name: /^Drop a model here/ }).dispatchEvent('drop', { dataTransfer: dropped });
  await expect(page.getByRole('alert')).toContainText('models are read in place; choose it with Browse… or File…');
  expect(await ask(page, 'models.list')).toEqual([]);
});
