/** The sentences of the host in a language: those of src-main, and those of src-shared, which are among the page's. */
import type { HostSentence, Text } from '../lib/app/hostSentences.ts';

type Key = string | readonly string[] | { text: string | readonly string[] };

/** Files of the build; the manifest holds the English sentences, in the order of the compiled texts. */
const manifests = import.meta.glob<{ keys: readonly (Key | null)[] }>('./.wuchale/*.manifest.js');
const texts = import.meta.glob<{ c: readonly Text[] }>('./.wuchale/*.compiled.js');

export async function hostSentences(language: string): Promise<HostSentence[]> {
  const read = ['host', 'ui'].map(async (name) => {
    const [manifest, compiled] = await Promise.all([
      manifests[`./.wuchale/${name}.${name}.manifest.js`]?.(),
      texts[`./.wuchale/${name}.${name}.${language}.compiled.js`]?.(),
    ]);
    return (manifest?.keys ?? []).flatMap((key, i): HostSentence[] => {
      const text = compiled?.c[i];
      if (key === null || !text) return [];
      const english = typeof key === 'object' && 'text' in key ? key.text : key;
      // Where a translation lacks, the English stands in its place.
      return english === written(text) ? [] : [{ english, text }];
    });
  });
  return (await Promise.all(read)).flat();
}

/** As translators write it: `{0} of {1}`. */
function written(text: Text): string {
  return typeof text === 'string' ? text : text.map((part) => (typeof part === 'number' ? `{${part}}` : part)).join('');
}
