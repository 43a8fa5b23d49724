/**
 * `npm run bench:ui [-- --write]`: how the pages feel under load, in Chromium: first paint, 100,000 points streaming,
 * 200,000 rows, an hour of metrics. Prints the tables; --write puts them into docs/performance-ui.md.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { systemChromium } from '../../scripts/lib/testNeeds.mjs';
import { circumstances } from '../lib/machine.ts';
import { DOCS } from '../lib/places.ts';
import { empty, hour, paint, rows, stream } from './cases.ts';
import { tables, withFigures } from './report.ts';

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    points: { type: 'string', default: '100000' },
    rows: { type: 'string', default: '200000' },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const before = circumstances();
say('first paint');
const painted = await paint(5);
say('an empty page');
const nothing = await empty(1000, 60_000);
say('points');
const streamed = await stream(Number(values.points), 1000);
say('rows');
const scrolled = await rows(Number(values.rows));
say('an hour');
const remembered = await hour(50);

const browser = await chromium.launch({
  executablePath: systemChromium(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const text = tables(
  { empty: nothing, paint: painted, stream: streamed, rows: scrolled, hour: remembered },
  before,
  `Chromium ${browser.version()}`,
);
await browser.close();
process.stdout.write(`${text}\n`);
if (values.write) {
  const file = path.join(DOCS, 'performance-ui.md');
  fs.writeFileSync(file, withFigures(fs.readFileSync(file, 'utf8'), text));
}
