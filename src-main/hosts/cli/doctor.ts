/** `doctor`: each engine with its device and why it is or is not usable, and what `auto` will choose. */
import { chooseEngine } from '../../../src-shared/chooseEngine.ts';
import { folderSize } from '../../files/folderSize.ts';
import type { Command } from './command.ts';
import { bytes, table } from './format.ts';

export const doctor: Command = {
  name: 'doctor',
  positionals: [],
  summary: 'Lists the engines of this machine, measures them, and says which one is chosen.',
  options: {},
  async run({ api, print, say }) {
    const info = await api.system.info();
    say('Measuring the engines …');
    const engines = await api.system.engines({ calibrate: true });
    const auto = engines.some((engine) => engine.usable) ? chooseEngine(engines) : null;
    print(
      `Graft ${info.version}, Node ${info.node}, ${info.platform}, ${info.cpu} (${info.cores} cores, ` +
        `${bytes(info.memoryBytes)})`,
    );
    print(`Data folder ${info.home}`);
    const packed = await folderSize(info.packedCacheDir);
    print(`Packed base models ${info.packedCacheDir} (${bytes(packed.sizeBytes)}; may be deleted at any time)`);
    const rows = engines.map((e) => [
      e.name,
      e.usable ? 'usable' : 'not usable',
      e.device,
      e.memoryBytes === null ? (e.usable ? 'not known' : '-') : bytes(e.memoryBytes),
      e.gflops === null ? '-' : `${e.gflops.toFixed(1)} GFLOP/s`,
      e.reason,
    ]);
    table(['ENGINE', 'STATE', 'DEVICE', 'MEMORY', 'SPEED', 'REASON'], rows).forEach(print);
    const cards = engines.flatMap(({ cards: names = [] }) => names.map((name, i) => `${i} ${name}`));
    if (cards.length > 1) print(`Graphics cards (--gpu NAME|N chooses): ${cards.join(', ')}.`);
    for (const { name, gpu, memoryBytes, heldBytes, memorySource } of engines)
      if (gpu && memoryBytes !== null && memorySource)
        print(
          `Memory of ${name}'s card: ${bytes(memoryBytes)}` +
            `${typeof heldBytes === 'number' ? `, ${bytes(heldBytes)} held by other programs` : ''} (${memorySource}).`,
        );
    print(auto === null ? 'No engine is usable.' : `auto chooses ${auto}.`);
    return { ...info, engines, auto, packedCacheBytes: packed.sizeBytes };
  },
};
