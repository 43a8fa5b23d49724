/** The cards that Windows knows, with the memory that their drivers have entered in its registry. */
import type { Card } from './card.ts';
import type { RunTool } from './runTool.ts';

const DISPLAY_ADAPTERS = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}';
const VENDORS = { '10DE': 'nvidia', '1002': 'amd', '8086': 'intel' } as const;

export async function registryCards(run: RunTool): Promise<Card[]> {
  const text = await run('reg', ['query', DISPLAY_ADAPTERS, '/s']);
  return text === null ? [] : parseRegistry(text);
}

/** What `reg query … /s` prints: a block for each key, with DriverDesc, MatchingDeviceId and the memory in bytes. */
export function parseRegistry(text: string): Card[] {
  return text.split(/\r?\n(?=HKEY_)/).flatMap((block): Card[] => {
    const valueOf = (name: string): string =>
      new RegExp(`^ +${name} +REG_\\w+ +(.+?)\\r?$`, 'm').exec(block)?.[1] ?? '';
    const [, vendor = '', device = ''] = /ven_([0-9a-f]{4})&dev_([0-9a-f]{4})/i.exec(valueOf('MatchingDeviceId')) ?? [];
    const totalBytes = Number(valueOf('HardwareInformation\\.qwMemorySize'));
    const known = VENDORS[vendor.toUpperCase() as keyof typeof VENDORS] as Card['vendor'] | undefined;
    if (!known || !(totalBytes > 0)) return [];
    const name = valueOf('DriverDesc');
    return [
      { vendor: known, name, device: parseInt(device, 16), totalBytes, usedBytes: null, source: "Windows' registry" },
    ];
  });
}
