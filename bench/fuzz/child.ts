/** A process that takes tries for bench/fuzz/main.ts, which ends it when one of them hangs. */
import process from 'node:process';
import { peakResidentBytes } from '../../src-main/hardware/peakMemory.ts';
import { Tries, type Try, type Tried } from './tries.ts';

export type FromChild = { about: Try } | { tried: Tried; peakMb: number };

const [root = '', seed = '1', first = '0', count = '0'] = process.argv.slice(2);
const send = (message: FromChild): Promise<void> =>
  new Promise((resolve) => process.send!(message, undefined, undefined, () => resolve()));

process.on('disconnect', () => process.exit(0));
const tries = await Tries.in(root, Number(seed));
for (let number = Number(first); number < Number(count); number++) {
  const tried = await tries.take(number, (about) => void send({ about }));
  await send({ tried, peakMb: peakResidentBytes() / 2 ** 20 });
}
process.exit(0);
