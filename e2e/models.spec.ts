/** Models: added, looked at, its folder moved away, marked in the list, and put right again. */
import fs from 'node:fs';
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { expect, goTo, test } from './fixtures.ts';
import { REPO } from './host.ts';

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
