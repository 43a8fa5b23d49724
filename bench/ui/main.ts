/**
 * `npm run bench:ui [-- --write]`: how the pages feel under load, in Chromium: first paint, 100,000 points streaming,
 * 200,000 rows, an hour of metrics; with `--only million` a table of a million rows. Prints the tables; --write puts
 * them into docs/performance-ui.md.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { systemChromium } from '../../scripts/lib/testNeeds.mjs';
import { circumstances } from '../lib/machine.ts';
import { DOCS } from '../lib/places.ts';
import { empty, hour, paint, rows, stream } from './cases.ts';
import { million } from './million.ts';
import { millionTable, tables, withFigures } from './report.ts';

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    points: { type: 'string', default: '100000' },
    rows: { type: 'string' },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const before = circumstances();

if (values.only === 'million') {
  const figures = await million(Number(values.rows ?? 1_000_000));
  show(millionTable(figures, before, await browserName()), 'npm run bench:ui -- --only million --write');
} else {
  say('first paint');
  const painted = await paint(5);
  say('an empty page');
  const nothing = await empty(1000, 60_000);
  say('points');
  const streamed = await stream(Number(values.points), 1000);
  say('rows');
  const scrolled = await rows(Number(values.rows ?? 200_000));
  say('an hour');
  const remembered = await hour(50);
  const figures = { empty: nothing, paint: painted, stream: streamed, rows: scrolled, hour: remembered };
  show(tables(figures, before, await browserName()));
}

async function browserName(): Promise<string> {
  const browser = await chromium.launch({
    executablePath: systemChromium(),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  const version = browser.version();
  await browser.close();
  return `Chromium ${version}`;
}

function show(text: string, command?: string): void {
  process.stdout.write(`${text}\n`);
  if (!values.write) return;
  const file = path.join(DOCS, 'performance-ui.md');
  fs.writeFileSync(file, withFigures(fs.readFileSync(file, 'utf8'), text, command));
}
