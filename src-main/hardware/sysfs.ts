/** AMD's and Intel's cards, from the files of their drivers on Linux. */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Card } from './card.ts';

const VENDORS: Record<string, Card['vendor']> = { '0x10de': 'nvidia', '0x1002': 'amd', '0x8086': 'intel' };
/** A card that is asleep is woken up by the question. */
const LIMIT_MS = 2000;
/** Memory of its own below which a card of AMD's is part of the processor and lives on the machine's memory. */
const OWN_MEMORY = 2 ** 31;

export async function amdAndIntelCards(drmDir: string): Promise<Card[]> {
  const names = await within(
    fs.readdir(drmDir).catch(() => []),
    [],
  );
  const found = await Promise.all(
    names.filter((name) => /^card\d+$/.test(name)).map((name) => within(cardIn(path.join(drmDir, name)), null)),
  );
  return found.filter((card) => card !== null);
}

async function cardIn(dir: string): Promise<Card | null> {
  const vendor = VENDORS[(await textOf(path.join(dir, 'device', 'vendor'))) ?? ''];
  const id = await textOf(path.join(dir, 'device', 'device'));
  const device = id !== null && /^0x[0-9a-f]+$/i.test(id) ? Number(id) : null;
  const own = { name: '', device };
  if (vendor === 'amd') {
    const [total, used] = await numbersOf(path.join(dir, 'device'), 'mem_info_vram_total', 'mem_info_vram_used');
    if (total === null) return null;
    const [shared, sharedUsed] = await numbersOf(path.join(dir, 'device'), 'mem_info_gtt_total', 'mem_info_gtt_used');
    if (total >= OWN_MEMORY || shared === null)
      return { ...own, vendor, totalBytes: total, usedBytes: used, source: 'the driver amdgpu' };
    const usedBytes = used === null || sharedUsed === null ? null : used + sharedUsed;
    const source = 'the driver amdgpu; shared with the processor';
    return { ...own, vendor, totalBytes: total + shared, usedBytes, source };
  }
  if (vendor === 'intel') {
    const [total, free] = await numbersOf(dir, 'lmem_total_bytes', 'lmem_avail_bytes');
    if (total === null) return null; // one that is part of the processor: how much it may take, its driver does not say
    return {
      ...own,
      vendor,
      totalBytes: total,
      usedBytes: free === null ? null : total - free,
      source: 'the driver i915',
    };
  }
  return null;
}

async function numbersOf(dir: string, ...names: [string, string]): Promise<[number | null, number | null]> {
  const read = async (name: string): Promise<number | null> => {
    const text = await textOf(path.join(dir, name));
    return text !== null && /^\d+$/.test(text) && Number(text) > 0 ? Number(text) : null;
  };
  return [await read(names[0]), await read(names[1])];
}

function textOf(file: string): Promise<string | null> {
  return fs.readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}

/** What `work` comes to, or `otherwise` where it takes too long. */
function within<T>(work: Promise<T>, otherwise: T): Promise<T> {
  const late = Promise.withResolvers<T>();
  const deadline = setTimeout(() => late.resolve(otherwise), LIMIT_MS);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(deadline));
}
