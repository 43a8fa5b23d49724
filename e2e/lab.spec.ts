/** The lab on adapters whose updates are known by hand: each tool's numbers, the heat map by keyboard, its files. */
import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { partNorm, SCALE, STARTER_MODEL, writeKnownAdapter } from './knownAdapter.ts';
import { openHash } from './realRuns.ts';

const LOOK_LIMIT_MS = 60_000;
const ALL: readonly number[] = [1, 0.9, 0.8, 0.7];
/** 9 + 1 + 0.04 + 0.01 = 10.05, of which the first two hold 99.5 %. */
const TWO: readonly number[] = [3, 1, 0.2, 0.1];

/** Two adapters in the catalogue: unit vectors 0 to 3, where layer 1 v uses two of its ranks, and 2 to 5. */
async function addAdapters(page: Page, home: string): Promise<[one: string, other: string]> {
  await change(page, 'models.add', { dir: STARTER_MODEL, name: 'Starter' });
  const add = async (name: string, first: number, values: (layer: number, matrix: string) => readonly number[]) => {
    const dir = writeKnownAdapter(path.join(home, name), { values, first });
    return (await change<{ id: string }>(page, 'adapters.import', { dir, name, taskName: name })).id;
  };
  return [
    await add('first', 0, (layer, matrix) => (layer === 1 && matrix === 'v' ? TWO : ALL)),
    await add('second', 2, () => ALL),
  ];
}

const heatMap = (page: Page, name: string): Locator => page.getByRole('application', { name, exact: true });
const figure = (page: Page, name: string): Locator => page.getByRole('figure', { name, exact: true });

async function saved(page: Page, map: string, kind: string): Promise<Buffer> {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: `Save ${map}` }).click();
  await page.getByRole('menuitem', { name: kind, exact: true }).click();
  return fs.readFileSync(path.resolve(await (await coming).path()));
}

/** The cells of the table behind a heat map. */
async function tableOf(page: Page, name: string): Promise<string[][]> {
  await figure(page, name).getByRole('button', { name: 'As a table' }).click();
  const rows = page.getByRole('region', { name: `${name} as a table` }).locator('tbody tr');
  return rows.evaluateAll((all) =>
    all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent.trim())),
  );
}

test('an adapter is taken apart, compared and projected', async ({ graft: page, home }) => {
  await goTo(page, 'Lab');
  await expect(page.getByRole('main').getByRole('link', { name: 'Train an adapter' })).toBeVisible();
  const [one] = await addAdapters(page, home);

  await test.step('its own page says what it learnt, by keyboard too', async () => {
    await openHash(page, `#/adapters/${one}`);
    const learnt = page.getByRole('region', { name: 'What it learnt' });
    await learnt.getByRole('button', { name: 'Look into it' }).click();
    await expect(learnt.getByTestId('stands-out')).toContainText(
      'Layer 1 v uses 2 of its 4 ranks, the smallest share; layer 3 v uses 4 of its 4 ranks, the largest.',
      { timeout: LOOK_LIMIT_MS },
    );
    const map = heatMap(page, 'Ranks used');
    await map.focus();
    for (const key of ['ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    await expect(figure(page, 'Ranks used').getByRole('status')).toHaveText('Layer 1, Matrix v: 2');
    await page.keyboard.press('Enter');
    const values = learnt.getByRole('region', { name: 'Singular values of layer 1 v' });
    await values.getByText('The numbers').click();
    const shown = (await values.getByTestId('singular-values').textContent())!.split(',').map(Number);
    shown.forEach((value, i) => expect(value).toBeCloseTo(SCALE * TWO[i]!, 5));
    await expectAccessible(page);
    await keepScreenshot(page, '70-adapter-learnt');
  });

  await test.step('the Lab has the answer already; table and files hold the same numbers', async () => {
    await page.getByRole('link', { name: 'Open in the Lab' }).click();
    await expect(page.getByRole('heading', { name: 'Lab', level: 1 })).toBeVisible();
    await page.getByLabel('Shown').selectOption({ label: 'Stable rank' });
    await expect(page.getByTestId('stands-out')).toContainText('Layer 1 v uses 2');
    const csv = (await saved(page, 'Stable rank', 'CSV'))
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    expect(csv[0]).toEqual(['Layer', 'q', 'v']);
    expect(csv.map(([layer]) => layer)).toEqual(['Layer', '0', '1', '2', '3']);
    // ||dW||^2 by the largest value squared; the scale falls out.
    expect(Number(csv[2]![2])).toBeCloseTo(10.05 / 9, 6);
    expect(Number(csv[2]![1])).toBeCloseTo(1 + 0.81 + 0.64 + 0.49, 5);
    expect((await saved(page, 'Stable rank', 'SVG')).toString()).toContain('<svg xmlns');
    expect((await saved(page, 'Stable rank', 'PNG')).subarray(1, 4).toString()).toBe('PNG');
    const table = await tableOf(page, 'Stable rank');
    expect(Number(table[1]![1])).toBeCloseTo(Number(csv[2]![2]), 5);
    await expectAccessible(page);
  });

  await test.step('two adapters: what their unit vectors share', async () => {
    await page.getByRole('radio', { name: 'Similarity' }).click();
    await page.getByRole('button', { name: 'Compare the subspaces' }).click();
    await expect(page.getByTestId('stands-out')).toContainText(
      'The two share hardly more of their first direction than chance gives: 0.00 in the median of 8 matrices',
      { timeout: LOOK_LIMIT_MS },
    );
    await expect(page.getByText(/^Grassmann distance of the first 4: 1\.414/)).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, '71-lab-similarity');
    const phi = await tableOf(page, 'layer 0 q A');
    // The first three of the one hold the first of the other; of all four, two are in common.
    expect(Number(phi[0]![0])).toBeCloseTo(0, 10);
    expect(Number(phi[2]![0])).toBeCloseTo(1, 6);
    expect(Number(phi[3]![3])).toBeCloseTo(0.5, 6);
  });

  await test.step('table 7', async () => {
    await page.getByRole('radio', { name: 'Amplification' }).click();
    await page.getByRole('combobox', { name: 'Adapter' }).selectOption(one);
    await page.getByRole('button', { name: 'Project the weights' }).click();
    const row = page.getByRole('row', { name: /^layer 1 v/ });
    await expect(row).toBeVisible({ timeout: LOOK_LIMIT_MS });
    const cells = (await row.getByRole('cell').allTextContents()).map(Number);
    const wanted = [SCALE * Math.sqrt(10.05), partNorm('model.layers.1.self_attn.v_proj', 0)] as const;
    expect(cells[0]! / wanted[0]).toBeCloseTo(1, 3);
    expect(cells[2]! / wanted[1]).toBeCloseTo(1, 3);
    expect(cells[5]! / (wanted[0] / wanted[1])).toBeCloseTo(1, 3);
    await expectAccessible(page);
  });
});

test('at a threshold of 1 every vector is an intruder, at hardly more than 0 none', async ({ graft: page, home }) => {
  const [one] = await addAdapters(page, home);
  await openHash(page, `#/lab?tool=intruders&adapter=${one}`);
  await page.getByLabel('Vectors', { exact: true }).fill('2');
  for (const [threshold, sentence] of [
    ['1', /^16 intruders among the 16 vectors looked at in 8 matrices/],
    ['0.01', /^No intruder among the 16 vectors/],
  ] as const) {
    await page.getByLabel('Threshold', { exact: true }).fill(threshold);
    await page.getByRole('button', { name: 'Look for intruders' }).click();
    await expect(page.getByTestId('stands-out')).toContainText(sentence, { timeout: LOOK_LIMIT_MS });
    const found = page.getByRole('region', { name: 'Intruders found' }).locator('tbody tr');
    await expect(found).toHaveCount(threshold === '1' ? 16 : 0);
    await expectAccessible(page);
  }
});

test('an adapter is cut to the ranks it uses, and two are mixed by a slider', async ({ graft: page, home }) => {
  const [one, other] = await addAdapters(page, home);

  await test.step('compressed into the catalogue', async () => {
    await openHash(page, `#/lab?tool=compress&adapter=${one}`);
    await page.getByLabel('Ranks of each matrix').fill('2');
    await page.getByRole('button', { name: 'Compress', exact: true }).click();
    await page.getByRole('link', { name: 'first, compressed' }).click({ timeout: LOOK_LIMIT_MS });
    await expect(page.getByRole('region', { name: 'Lineage' })).toContainText('the lab: first, compressed');
    await expect(page.getByRole('region', { name: 'Lineage' })).toContainText('rank 2');
  });

  await test.step('blended: unit vectors 0 to 3 and 2 to 5 are six directions', async () => {
    await openHash(page, `#/lab?tool=compose&adapter=${one}`);
    await page.getByRole('combobox', { name: 'Adapter 2' }).selectOption(other);
    await page.getByRole('button', { name: 'Compose', exact: true }).click();
    await page.getByRole('link', { name: 'first, blended' }).click({ timeout: LOOK_LIMIT_MS });
    await expect(page.getByRole('region', { name: 'Lineage' })).toContainText('rank 6');
  });

  await test.step('at the ends of the slider each answers alone', async () => {
    await openHash(page, `#/playground?adapter=${other}`);
    await page.getByLabel('Prompt').fill('name: Clever Oak | kind: bistro');
    await page.getByLabel('Max new tokens').fill('12');
    const texts: Record<string, string> = { second: await answerOf(page) };
    await page.getByRole('group', { name: 'Answers with' }).getByRole('button', { name: 'first' }).first().click();
    texts['first'] = await answerOf(page);
    expect(texts['first']).not.toBe(texts['second']);
    await page.getByRole('switch', { name: 'Mix two adapters' }).click();
    await page.getByLabel('Second adapter').selectOption(other);
    const slider = page.getByRole('slider', { name: 'Share of the second' });
    for (const [key, share, name] of [
      ['End', 100, 'second'],
      ['Home', 0, 'first'],
    ] as const) {
      await slider.press(key);
      await expect(slider).toHaveAttribute('aria-valuetext', `${share} %`);
      await mixedAt(page, share / 100);
      expect(await answerOf(page)).toBe(texts[name]);
    }
    await slider.press('ArrowRight');
    await mixedAt(page, 0.01);
    await answerOf(page);
    await expect(page.getByRole('article', { name: 'Answer of 99 % first + 1 % second' })).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, '72-playground-mix');
  });

  await test.step('the history brings the mix back', async () => {
    await page.getByRole('group', { name: 'Answers with' }).getByRole('button', { name: 'Plain base' }).click();
    await expect(page.getByRole('slider', { name: 'Share of the second' })).toBeHidden();
    await page.getByRole('tab', { name: 'History' }).click();
    await page
      .getByRole('list', { name: 'History' })
      .getByRole('button', { name: /^name: Clever Oak/ })
      .first()
      .click();
    await expect(page.getByRole('slider', { name: 'Share of the second' })).toHaveAttribute('aria-valuetext', '1 %');
  });
});

async function mixedAt(page: Page, share: number): Promise<void> {
  await expect
    .poll(async () => (await ask<{ mix: { share: number } | null }>(page, 'playground.state')).mix?.share)
    .toBe(share);
}

async function answerOf(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  const output = page.getByRole('region', { name: 'Output' });
  await expect(output.getByText(/tokens\/s;/)).toBeVisible({ timeout: LOOK_LIMIT_MS });
  return (await page.getByTestId('generated').textContent())!;
}
