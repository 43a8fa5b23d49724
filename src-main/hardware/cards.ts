/**
 * The graphics cards of this machine and their memory, as the drivers themselves tell: WebGPU only says how large one
 * buffer may be. Every question has a time limit; what no driver tells is unknown, never guessed.
 */
import os from 'node:os';
import { amdAndIntelCards } from './sysfs.ts';
import { nvidiaCards } from './nvidiaSmi.ts';
import { registryCards } from './windowsRegistry.ts';
import { runTool, type RunTool } from './runTool.ts';
import type { Card } from './card.ts';

export interface Machine {
  platform: NodeJS.Platform;
  memoryBytes: number;
  /** Where Linux lists its graphics cards. */
  drmDir: string;
  run: RunTool;
}

const HERE: Machine = {
  platform: process.platform,
  memoryBytes: os.totalmem(),
  drmDir: '/sys/class/drm',
  run: runTool,
};

/** In the order of their drivers: NVIDIA's, then the system's list. */
export async function listCards(machine = HERE): Promise<Card[]> {
  if (machine.platform === 'darwin') return [appleCard(machine.memoryBytes)];
  const system = machine.platform === 'win32' ? registryCards(machine.run) : amdAndIntelCards(machine.drmDir);
  const [nvidia, others] = await Promise.all([nvidiaCards(machine.run), system]);
  return [...nvidia, ...others.filter(({ vendor }) => vendor !== 'nvidia' || nvidia.length === 0)];
}

/**
 * Metal's recommendedMaxWorkingSetSize, which only Metal itself tells exactly: about three quarters of the memory, two
 * thirds up to 36 GB.
 */
function appleCard(memoryBytes: number): Card {
  const share = memoryBytes > 36 * 2 ** 30 ? 3 / 4 : 2 / 3;
  return {
    vendor: 'apple',
    name: 'Apple',
    device: null,
    totalBytes: Math.floor(share * memoryBytes),
    usedBytes: null,
    source: `memory shared with the processor, of which macOS gives graphics about ${share === 3 / 4 ? '3/4' : '2/3'}`,
  };
}

/** What WebGPU or CUDA says of the card it computes on. */
export interface Adapter {
  name: string;
  /** As WebGPU writes it, as nvidia or intel; absent: any. */
  vendor?: string;
  /** As WebGPU writes it, a hexadecimal PCI number where the driver gives one. */
  device?: string;
}

/** The one that `adapter` is; null where it cannot be told, as among two cards of one vendor without names. */
export function cardOf(adapter: Adapter, cards: readonly Card[]): Card | null {
  const vendor = adapter.vendor?.toLowerCase();
  const candidates = vendor ? cards.filter((card) => vendor.includes(card.vendor)) : [...cards];
  const id = /^0x[0-9a-f]+$/i.test(adapter.device ?? '') ? Number(adapter.device) : null;
  const byId = candidates.filter(({ device }) => device !== null && device === id);
  const byName = candidates.filter(({ name }) => name !== '' && sameName(name, adapter.name));
  for (const found of [byId, byName, candidates]) {
    const [first] = found;
    if (first && found.every(({ totalBytes }) => totalBytes === first.totalBytes)) return mostUsed(found);
    if (found.length > 0) return null;
  }
  return null;
}

/** Of several cards alike, which may be any of them, the one with the least room. */
function mostUsed(cards: readonly Card[]): Card | null {
  return [...cards].sort((a, b) => (b.usedBytes ?? 0) - (a.usedBytes ?? 0))[0] ?? null;
}

function sameName(a: string, b: string): boolean {
  const [short, long] = [a, b].map((name) => name.toLowerCase().trim()).sort((x, y) => x.length - y.length);
  return short !== undefined && short !== '' && long !== undefined && long.includes(short);
}
