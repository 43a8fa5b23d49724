/** Temperatures as drivers have told them: recorded answers of nvidia-smi, and folders made as the kernel has them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import type { RunTool } from './runTool.ts';
import { parseHeat, readTemperatures } from './temperatures.ts';

const NO_TOOL: RunTool = () => Promise.resolve(null);
const NONE = { cards: [], processorC: null };

function sysfs(files: Record<string, string>): string {
  const dir = temporaryFolder();
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    fs.writeFileSync(path.join(dir, file), `${text}\n`);
  }
  return dir;
}

const read = (sysDir: string, run = NO_TOOL, platform: NodeJS.Platform = 'linux') =>
  readTemperatures({ platform, sysDir, run });

it("reads NVIDIA's cards, and takes what the driver does not tell for unknown", () => {
  expect(
    parseHeat('NVIDIA GeForce RTX 3070, 0x248810DE, 71, 218.41, 220.00\nTesla T4, 0x1EB810DE, 44, [N/A], [N/A]\n'),
  ).toEqual([
    {
      vendor: 'nvidia',
      name: 'NVIDIA GeForce RTX 3070',
      device: 0x2488,
      temperatureC: 71,
      powerWatts: 218.41,
      powerLimitWatts: 220,
    },
    expect.objectContaining({ name: 'Tesla T4', temperatureC: 44, powerWatts: null, powerLimitWatts: null }),
  ]);
  for (const garbage of ['', 'NVIDIA-SMI has failed because it could not communicate with the driver.', ',,,,', '\0'])
    expect(parseHeat(garbage)).toEqual([]);
});

it("reads amdgpu's hwmon, and the hottest sensor of the processor", async () => {
  const dir = sysfs({
    'drm/card0/device/vendor': '0x1002',
    'drm/card0/device/device': '0x73df',
    'drm/card0/device/hwmon/hwmon3/temp1_input': '63000',
    'drm/card0/device/hwmon/hwmon3/power1_average': '153000000',
    'drm/card0/device/hwmon/hwmon3/power1_cap': '186000000',
    'drm/card0-DP-1/status': 'connected',
    'drm/card1/device/vendor': '0x8086',
    'thermal/thermal_zone0/type': 'acpitz',
    'thermal/thermal_zone0/temp': '99000',
    'thermal/thermal_zone1/type': 'x86_pkg_temp',
    'thermal/thermal_zone1/temp': '58000',
    'thermal/cooling_device0/type': 'Processor',
    'hwmon/hwmon1/name': 'k10temp',
    'hwmon/hwmon1/temp1_input': '61250',
    'hwmon/hwmon2/name': 'nvme',
    'hwmon/hwmon2/temp1_input': '80000',
  });
  expect(await read(dir)).toEqual({
    cards: [{ vendor: 'amd', name: '', device: 0x73df, temperatureC: 63, powerWatts: 153, powerLimitWatts: 186 }],
    processorC: 61.25,
  });
});

it('knows nothing where nobody tells, or tells nonsense', async () => {
  expect(await read('/nowhere')).toEqual(NONE);
  expect(await read('/nowhere', NO_TOOL, 'darwin')).toEqual(NONE);
  const dir = sysfs({
    'drm/card0/device/vendor': '0x1002',
    'drm/card0/device/hwmon/hwmon0/temp1_input': 'hot',
    'thermal/thermal_zone0/type': 'x86_pkg_temp',
    'thermal/thermal_zone0/temp': '-1',
  });
  expect(await read(dir)).toEqual({ cards: [expect.objectContaining({ temperatureC: null })], processorC: null });
});
