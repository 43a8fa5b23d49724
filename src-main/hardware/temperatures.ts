/**
 * How hot graphics cards and processor are, and what the cards draw, as the drivers tell: nvidia-smi, and on Linux the
 * files of hwmon and of the thermal zones. What nobody tells is null, never guessed.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Card } from './card.ts';
import { runTool, type RunTool } from './runTool.ts';

export interface CardHeat extends Pick<Card, 'vendor' | 'name' | 'device'> {
  /** Degrees Celsius. */
  temperatureC: number | null;
  powerWatts: number | null;
  /** What the driver lets it draw. */
  powerLimitWatts: number | null;
}

export interface Temperatures {
  cards: CardHeat[];
  /** The hottest sensor of the processor, degrees Celsius. */
  processorC: number | null;
}

interface Sources {
  platform: NodeJS.Platform;
  /** Of Linux: `/sys/class`. */
  sysDir: string;
  run: RunTool;
}

const HERE: Sources = { platform: process.platform, sysDir: '/sys/class', run: runTool };
const VENDORS: Record<string, Card['vendor']> = { '0x1002': 'amd', '0x8086': 'intel' };
/** A thermal zone of the board or of a disk says nothing of the processor. */
const PROCESSOR_ZONE = /pkg|cpu|soc/i;
const PROCESSOR_SENSOR = /^(coretemp|k10temp|zenpower|cpu_thermal)$/;
const NVIDIA_FIELDS = ['name', 'pci.device_id', 'temperature.gpu', 'power.draw', 'power.limit'];

export async function readTemperatures({ platform, sysDir, run }: Sources = HERE): Promise<Temperatures> {
  const isLinux = platform === 'linux';
  const [nvidia, others, processorC] = await Promise.all([
    platform === 'darwin' ? [] : nvidiaCards(run),
    isLinux ? cardsOf(path.join(sysDir, 'drm')) : [],
    isLinux ? processorOf(sysDir) : null,
  ]);
  return { cards: [...nvidia, ...others], processorC };
}

async function nvidiaCards(run: RunTool): Promise<CardHeat[]> {
  const text = await run('nvidia-smi', [`--query-gpu=${NVIDIA_FIELDS.join(',')}`, '--format=csv,noheader,nounits']);
  return text === null ? [] : parseHeat(text);
}

/** A line for each card; a figure that the driver does not tell is `[N/A]`. */
export function parseHeat(text: string): CardHeat[] {
  return text.split('\n').flatMap((line): CardHeat[] => {
    const fields = line.split(',').map((field) => field.trim());
    const [name = '', id = ''] = fields;
    if (fields.length !== NVIDIA_FIELDS.length || !/^0x[0-9a-f]{8}$/i.test(id)) return [];
    const [temperatureC = null, powerWatts = null, powerLimitWatts = null] = fields.slice(2).map(figure);
    return [{ vendor: 'nvidia', name, device: Number(id.slice(0, 6)), temperatureC, powerWatts, powerLimitWatts }];
  });
}

function figure(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/** AMD's and Intel's cards by the hwmon folder of their drivers. */
async function cardsOf(drmDir: string): Promise<CardHeat[]> {
  const names = (await namesIn(drmDir)).filter((name) => /^card\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name): Promise<CardHeat[]> => {
      const device = path.join(drmDir, name, 'device');
      const vendor = VENDORS[(await textOf(path.join(device, 'vendor'))) ?? ''];
      const [sensors] = await namesIn(path.join(device, 'hwmon'));
      if (!vendor || !sensors) return [];
      const hwmon = path.join(device, 'hwmon', sensors);
      const id = await textOf(path.join(device, 'device'));
      return [
        {
          vendor,
          name: '',
          device: id !== null && /^0x[0-9a-f]+$/i.test(id) ? Number(id) : null,
          // Thousandths of a degree; the first is the edge of AMD's chip, the second the package of Intel's.
          temperatureC: await scaled(hwmon, 1000, 'temp1_input', 'temp2_input'),
          powerWatts: await scaled(hwmon, 1e6, 'power1_average', 'power1_input'),
          powerLimitWatts: await scaled(hwmon, 1e6, 'power1_cap'),
        },
      ];
    }),
  );
  return found.flat();
}

async function processorOf(sysDir: string): Promise<number | null> {
  const zones = await readings(path.join(sysDir, 'thermal'), {
    label: 'type',
    isWanted: (type) => PROCESSOR_ZONE.test(type),
    file: 'temp',
  });
  const sensors = await readings(path.join(sysDir, 'hwmon'), {
    label: 'name',
    isWanted: (name) => PROCESSOR_SENSOR.test(name),
    file: 'temp1_input',
  });
  const known = [...zones, ...sensors].filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

async function readings(
  dir: string,
  { label, isWanted, file }: { label: string; isWanted: (text: string) => boolean; file: string },
): Promise<(number | null)[]> {
  return Promise.all(
    (await namesIn(dir)).map(async (name) => {
      const type = await textOf(path.join(dir, name, label));
      return type !== null && isWanted(type) ? scaled(path.join(dir, name), 1000, file) : null;
    }),
  );
}

/** The first of these files that holds a number above zero. */
async function scaled(dir: string, unit: number, ...names: string[]): Promise<number | null> {
  for (const name of names) {
    const text = await textOf(path.join(dir, name));
    if (text !== null && /^\d+$/.test(text) && Number(text) > 0) return Number(text) / unit;
  }
  return null;
}

async function namesIn(dir: string): Promise<string[]> {
  return (await fs.readdir(dir).catch(() => [])).sort();
}

function textOf(file: string): Promise<string | null> {
  return fs.readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}
