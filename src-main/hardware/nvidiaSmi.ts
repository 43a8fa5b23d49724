/** NVIDIA's cards, by the program that comes with their driver. */
import type { Card } from './card.ts';
import type { RunTool } from './runTool.ts';

const FIELDS = ['name', 'pci.device_id', 'memory.total', 'memory.used'];
const MIB = 2 ** 20;

/** None where there is no driver, or it does not answer. */
export async function nvidiaCards(run: RunTool): Promise<Card[]> {
  const text = await run('nvidia-smi', [`--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits']);
  return text === null ? [] : parseNvidiaSmi(text);
}

/** A line for each card: name, device and vendor as one number, MiB, MiB. Others are left out. */
export function parseNvidiaSmi(text: string): Card[] {
  return text.split('\n').flatMap((line): Card[] => {
    const [name = '', id = '', total = '', used = ''] = line.split(',').map((field) => field.trim());
    const device = /^0x[0-9a-f]{8}$/i.test(id) ? Number(id.slice(0, 6)) : null;
    if (!/^\d+$/.test(total) || total === '0') return [];
    const usedBytes = /^\d+$/.test(used) ? Number(used) * MIB : null;
    return [{ vendor: 'nvidia', name, device, totalBytes: Number(total) * MIB, usedBytes, source: 'nvidia-smi' }];
  });
}
