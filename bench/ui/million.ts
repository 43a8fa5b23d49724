/** A table of a million rows: added, opened, filtered, prepared, while the page's frames are watched. */
import fs from 'node:fs';
import path from 'node:path';
import type { Locator } from '@playwright/test';
import { Random } from '../../src-shared/random.ts';
import { framesSeen, watchFrames, type Frames } from './frames.ts';
import { callApi, openSession, residentBytes, type Session } from './session.ts';

interface Act {
  what: string;
  ms: number;
  frames: Frames;
}

export interface MillionFigures {
  rows: number;
  fileBytes: number;
  acts: Act[];
  /** Of the host, afterwards. */
  hostBytes: number | null;
}

const LIMIT_MS = 1_800_000;

export async function million(count: number): Promise<MillionFigures> {
  const session = await openSession(1);
  try {
    const { page } = session;
    page.setDefaultTimeout(LIMIT_MS);
    const file = path.join(session.home, 'many.jsonl');
    writeRows(file, count);
    await page.goto(session.url);
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
    const acts: Act[] = [];
    const act = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      await watchFrames(page);
      const began = performance.now();
      await work();
      const ms = performance.now() - began;
      acts.push({ what, ms, frames: await framesSeen(page) });
    };

    let id = '';
    await act('added: read, checked, repeated rows found', async () => {
      ({ id } = await callApi<{ id: string }>(page, 'mutation', 'datasets.add', { file }));
    });
    await act('its page opened, until its first rows stand', async () => {
      await page.evaluate((dataset) => (location.hash = `#/datasets/${dataset}?tab=rows`), id);
      await page.getByTestId('rows-scroller').getByText('Frage 0 zu').waitFor();
    });
    await act('filtered by a text', async () => {
      await page.getByRole('searchbox', { name: 'Filter rows' }).fill('Frage 777');
      // 777, and all of four to six digits that begin so.
      if (count === 1_000_000) await page.getByRole('status').filter({ hasText: '1,111' }).waitFor();
      await page.getByTestId('rows-scroller').getByText('Frage 777 zu').waitFor();
    });
    await prepared(session, act);
    return { rows: count, fileBytes: fs.statSync(file).size, acts, hostBytes: residentBytes(session.hostPid) };
  } finally {
    await session.close();
  }
}

async function prepared({ page }: Session, act: (what: string, work: () => Promise<unknown>) => Promise<void>) {
  const region = (name: string): Locator => page.getByRole('region', { name, exact: true });
  const switchOn = (name: string) => region(name).getByRole('switch', { name, exact: true }).click();
  await act('Prepare opened, until the first preview', async () => {
    await page.getByRole('tab', { name: 'Prepare' }).click();
    await region('Result').getByText('of 10,000').waitFor();
  });
  await act('a step switched on, until its preview', async () => {
    await switchOn('Mask personal data');
    await region('Mask personal data').getByText('changed').waitFor();
  });
  await act('near-duplicates switched on, until their preview', async () => {
    await switchOn('Leave out near-duplicates');
    await region('Leave out near-duplicates')
      .getByText(/^−[\d,]+ left out/)
      .waitFor();
  });
  await act('values of a column counted', async () => {
    await switchOn('Replace values');
    await region('Replace values').getByLabel('Column whose values are replaced').selectOption('art');
    await region('Replace values').getByLabel('New value for Umtausch').waitFor();
  });
  await act('a new version: masked, near-duplicates of 80 % left out', async () => {
    await region('Result').getByRole('button', { name: 'Make a new version' }).click();
    await region('Versions').getByText('Prepared by a recipe').waitFor();
  });
}

/** One row in ten is nearly the one before it, one in a hundred holds personal data. */
function writeRows(file: string, count: number): void {
  const fd = fs.openSync(file, 'w');
  let text = '';
  for (let n = 0; n < count; n++) {
    const own = n % 10 === 9 ? n - 1 : n;
    const random = new Random(own);
    const words = Array.from({ length: 24 }, () => `wort${random.integer(10_000)}`).join(' ');
    const prompt = `Frage ${n} zu ${words}${n % 100 === 0 ? ' bitte an kunde@example.de' : ''}`;
    const row = { prompt, completion: `Antwort ${own}`, art: n % 3 === 0 ? 'Rückerstattung' : 'Umtausch' };
    text += `${JSON.stringify(row)}\n`;
    if (text.length > 1 << 20 || n === count - 1) {
      fs.writeSync(fd, text);
      text = '';
    }
  }
  fs.closeSync(fd);
}
