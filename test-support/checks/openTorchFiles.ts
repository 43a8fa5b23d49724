/** A process that opens files of PyTorch's and prints what came of each, and how much memory it took at most. */
import { peakResidentBytes } from '../../src-main/hardware/peakMemory.ts';
import { openTorchFile } from '../../src-main/pickle/torchFile.ts';
import { readTensorBytes } from '../../src-main/safetensors/read.ts';

const started = peakResidentBytes();
const answers = process.argv.slice(2).map((file): { code: string; message: string } => {
  try {
    const opened = openTorchFile(file);
    for (const info of opened.tensors.values()) readTensorBytes(info);
    opened.close();
    return { code: '', message: '' };
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string };
    return { code, message };
  }
});
process.stdout.write(JSON.stringify({ answers, grownMb: (peakResidentBytes() - started) / 2 ** 20 }));
