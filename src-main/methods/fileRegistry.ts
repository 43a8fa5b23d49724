/** The one list of what each method knows of requests, files and merging. */
import { METHOD_TYPES, type MethodType } from '../../src-shared/methods/registry.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import { readAdapterFile } from '../adapters/files.ts';
import { ownSettings } from '../adapters/ownFormat.ts';
import { peftTypeOf, peftUnsupported } from '../adapters/peft.ts';
import { storedFrom, type StoredAdapter } from '../adapters/stored.ts';
import type { MethodFiles } from './files.ts';
import { bitfitFiles } from './bitfit/files.ts';
import { bottleneckFiles } from './bottleneck/files.ts';
import { fullFiles } from './full/files.ts';
import { ia3Files } from './ia3/files.ts';
import { lohaFiles } from './loha/files.ts';
import { lokrFiles } from './lokr/files.ts';
import { loraFiles } from './lora/files.ts';
import { missFiles } from './miss/files.ts';
import { prefixFiles } from './prefix/files.ts';

const FILES: Record<MethodType, MethodFiles> = {
  lora: loraFiles,
  lokr: lokrFiles,
  loha: lohaFiles,
  full: fullFiles,
  bitfit: bitfitFiles,
  adapter: bottleneckFiles,
  prefix: prefixFiles,
  ia3: ia3Files,
  miss: missFiles,
};

export function filesOf(type: MethodType): MethodFiles {
  return FILES[type];
}

/** Reads an adapter folder of any method and either format. Throws GraftError PEFT_*, GRAFT_INFO or SAFETENSORS_*. */
export function readAdapter(dir: string): StoredAdapter {
  const file = readAdapterFile(dir);
  if (file.configText === undefined) {
    const settings = ownSettings(file, ({ type }) => filesOf(type).own !== undefined);
    return storedFrom(file, null, (base) => filesOf(settings.type).own!(file, settings, base));
  }
  const type = peftTypeOf(file);
  const formats = METHOD_TYPES.flatMap((method) => filesOf(method).peft ?? []);
  const format = formats.find((one) => one.type === type);
  if (format) return format.read(file);
  throw peftUnsupported(
    file.configFile,
    `peft_type ${shownValue(type ?? null)}`,
    'a plain LoRA adapter',
    'peft_type',
    type,
  );
}
