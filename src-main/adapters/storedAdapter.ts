/** An adapter folder of any method and either format, read and checked as far as it can be without its base model. */
import { GraftError } from '../../src-shared/errors.ts';
import { readAdapterFile, type AdapterFile } from './files.ts';
import { asOwnAdapter, type OwnAdapter } from './ownFormat.ts';
import { asPeftAdapter, type PeftAdapter } from './peftLora.ts';
import { asLycorisAdapter, type LycorisAdapter } from './peftLycoris.ts';
import { asPrefixTuning, type PrefixTuning } from './peftPrefix.ts';

export type StoredAdapter = PeftAdapter | LycorisAdapter | PrefixTuning | OwnAdapter;

/** Throws GraftError PEFT_*, GRAFT_INFO or SAFETENSORS_*, as the format's own reader does. */
export function readAdapter(dir: string): StoredAdapter {
  const file = readAdapterFile(dir);
  if (file.configText === undefined) return asOwnAdapter(file);
  switch (peftTypeOf(file)) {
    case 'LOKR':
      return asLycorisAdapter(file, 'lokr');
    case 'LOHA':
      return asLycorisAdapter(file, 'loha');
    case 'PREFIX_TUNING':
      return asPrefixTuning(file);
    default:
      return asPeftAdapter(file);
  }
}

function peftTypeOf({ configFile, configText }: AdapterFile): unknown {
  try {
    const json: unknown = JSON.parse(configText!);
    return typeof json === 'object' && json !== null && 'peft_type' in json ? json.peft_type : undefined;
  } catch {
    throw new GraftError('PEFT_CONFIG', `${configFile} is not valid JSON; export the adapter again.`, {
      file: configFile,
    });
  }
}
