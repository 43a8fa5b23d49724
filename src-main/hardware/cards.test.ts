/** Cards as drivers have described them: recorded answers, files of a driver in a folder, and nonsense. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import type { Card } from './card.ts';
import { cardOf, listCards, type Machine } from './cards.ts';
import { parseNvidiaSmi } from './nvidiaSmi.ts';
import { runTool, type RunTool } from './runTool.ts';
import { parseRegistry } from './windowsRegistry.ts';

const MIB = 2 ** 20;
/** `nvidia-smi --query-gpu=name,pci.device_id,memory.total,memory.used --format=csv,noheader,nounits` */
const TWO_CARDS = 'NVIDIA GeForce RTX 3070, 0x248810DE, 8192, 1229\nNVIDIA GeForce GTX 1080 Ti, 0x1B0610DE, 11264, 3\n';
const NO_TOOL: RunTool = () => Promise.resolve(null);

function drm(cards: Record<string, Record<string, string>>): string {
  const dir = temporaryFolder();
  for (const [name, files] of Object.entries(cards))
    for (const [file, text] of Object.entries(files)) {
      const target = path.join(dir, name, file);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, `${text}\n`);
    }
  return dir;
}

const linux = (drmDir: string, run = NO_TOOL): Machine => ({ platform: 'linux', memoryBytes: 16e9, drmDir, run });
const RADEON = {
  'device/vendor': '0x1002',
  'device/device': '0x73df',
  'device/mem_info_vram_total': String(12272 * MIB),
  'device/mem_info_vram_used': String(900 * MIB),
  'device/mem_info_gtt_total': String(8000 * MIB),
};

it('reads NVIDIA cards, and leaves out what is none', () => {
  expect(parseNvidiaSmi(TWO_CARDS)).toEqual([
    {
      vendor: 'nvidia',
      name: 'NVIDIA GeForce RTX 3070',
      device: 0x2488,
      totalBytes: 8192 * MIB,
      usedBytes: 1229 * MIB,
      source: 'nvidia-smi',
    },
    expect.objectContaining({ device: 0x1b06, totalBytes: 11264 * MIB, usedBytes: 3 * MIB }),
  ]);
  expect(parseNvidiaSmi('Orin (nvgpu), [N/A], [N/A], [N/A]\n')).toEqual([]);
  expect(parseNvidiaSmi('NVIDIA A100, 0x20B010DE, 40960, [N/A]')[0]!.usedBytes).toBeNull();
  for (const garbage of [
    '',
    'NVIDIA-SMI has failed because it could not communicate with the driver.',
    '\0,,,,',
    ',,-5,3',
  ])
    expect(parseNvidiaSmi(garbage)).toEqual([]);
});

it('reads the files of amdgpu and i915, for cards with memory of their own and for those without', async () => {
  const dir = drm({
    card0: { 'device/vendor': '0x8086', 'device/device': '0x9a49' },
    card1: RADEON,
    'card1-DP-1': { status: 'connected' },
    card2: {
      ...RADEON,
      'device/device': '0x1681',
      'device/mem_info_vram_total': String(512 * MIB),
      'device/mem_info_vram_used': String(100 * MIB),
      'device/mem_info_gtt_used': String(50 * MIB),
    },
    card3: {
      'device/vendor': '0x8086',
      'device/device': '0x56a0',
      lmem_total_bytes: String(16384 * MIB),
      lmem_avail_bytes: String(16000 * MIB),
    },
    renderD128: RADEON,
  });
  expect(await listCards(linux(dir))).toEqual([
    {
      vendor: 'amd',
      name: '',
      device: 0x73df,
      totalBytes: 12272 * MIB,
      usedBytes: 900 * MIB,
      source: 'the driver amdgpu',
    },
    expect.objectContaining({ device: 0x1681, totalBytes: 8512 * MIB, usedBytes: 150 * MIB }),
    expect.objectContaining({ vendor: 'intel', device: 0x56a0, totalBytes: 16384 * MIB, usedBytes: 384 * MIB }),
  ]);
});

it('finds no card where there is none, and none in files of nonsense', async () => {
  expect(await listCards(linux('/nowhere'))).toEqual([]);
  const dir = drm({ card0: { ...RADEON, 'device/mem_info_vram_total': 'many' }, card1: { 'device/vendor': '?' } });
  expect(await listCards(linux(dir))).toEqual([]);
});

it('knows the cards of two vendors apart by vendor and number', async () => {
  const cards = await listCards(linux(drm({ card0: RADEON }), () => Promise.resolve(TWO_CARDS)));
  const total = (adapter: Parameters<typeof cardOf>[0]): number | undefined => cardOf(adapter, cards)?.totalBytes;
  expect(total({ name: 'AMD Radeon RX 6700 XT (RADV NAVI22)', vendor: 'amd', device: '0x73df' })).toBe(12272 * MIB);
  expect(total({ name: 'NVIDIA GeForce GTX 1080 Ti', vendor: 'nvidia', device: '0x1b06' })).toBe(11264 * MIB);
  expect(total({ name: 'NVIDIA GeForce RTX 3070', vendor: 'nvidia' })).toBe(8192 * MIB);
  expect(total({ name: 'Intel(R) Iris(R) Xe', vendor: 'intel', device: '0x9a49' })).toBeUndefined();
  expect(total({ name: '', vendor: 'nvidia' })).toBeUndefined(); // which of two?
  expect(total({ name: 'llvmpipe', vendor: 'mesa' })).toBeUndefined();
});

it('takes the fuller of two cards alike', () => {
  const card: Card = { vendor: 'nvidia', name: 'L4', device: 1, totalBytes: 24e9, usedBytes: 1e9, source: '' };
  expect(cardOf({ name: 'NVIDIA L4', vendor: 'nvidia' }, [card, { ...card, usedBytes: 20e9 }])!.usedBytes).toBe(20e9);
});

it("reads Windows' registry", async () => {
  const key = 'HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}';
  const text = [
    `${key}\\0000`,
    '    DriverDesc    REG_SZ    AMD Radeon RX 7800 XT',
    '    MatchingDeviceId    REG_SZ    PCI\\VEN_1002&DEV_747E&REV_C8',
    '    HardwareInformation.qwMemorySize    REG_QWORD    0x3ff000000',
    '',
    `${key}\\0001`,
    '    DriverDesc    REG_SZ    Microsoft Remote Display Adapter',
    '',
  ].join('\r\n');
  const want = {
    vendor: 'amd',
    name: 'AMD Radeon RX 7800 XT',
    device: 0x747e,
    totalBytes: 0x3ff000000,
    usedBytes: null,
  };
  expect(parseRegistry(text)).toEqual([expect.objectContaining(want)]);
  const run: RunTool = (program) => Promise.resolve(program === 'reg' ? text : null);
  expect(await listCards({ ...linux('/nowhere', run), platform: 'win32' })).toEqual([expect.objectContaining(want)]);
});

it('gives graphics a share of the memory on Apple machines', async () => {
  const of = async (memoryBytes: number): Promise<number> =>
    (await listCards({ ...linux('/nowhere'), platform: 'darwin', memoryBytes }))[0]!.totalBytes;
  expect(await of(24 * 2 ** 30)).toBe(16 * 2 ** 30);
  expect(await of(64 * 2 ** 30)).toBe(48 * 2 ** 30);
});

it('gives a program up that hangs, and one that is not there or fails', async () => {
  expect(await runTool(process.execPath, ['-e', 'console.log(1)'])).toBe('1\n');
  expect(await runTool('no-such-program', [])).toBeNull();
  expect(await runTool(process.execPath, ['-e', 'process.exit(3)'])).toBeNull();
  expect(await runTool(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])).toBeNull();
}, 20_000);
