import { expect, it } from 'vitest';
import { HostSentences } from './hostSentences.ts';

const german = new HostSentences(
  [
    {
      english: 'The folder {0} is gone; choose its new place.',
      text: ['Der Ordner ', 0, ' ist weg; neuen Ort wählen.'],
    },
    { english: '{0} of {1}', text: [0, ' von ', 1] },
    { english: '{0} of {1} cannot be used: {2}.', text: ['Von ', 1, ' sind ', 0, ' nicht verwendbar: ', 2, '.'] },
    { english: '"{0}" is empty', text: ['„', 0, '“ ist leer'] },
    { english: 'The loss went from {0} to {1}', text: ['Der Loss ging von ', 0, ' auf ', 1] },
    { english: '{0}; it fell by {1} %.', text: [0, '; er fiel um ', 1, ' %.'] },
    { english: 'Nothing was learnt.', text: 'Nichts wurde gelernt.' },
    { english: ['row', 'rows'], text: ['Zeile', 'Zeilen'] },
  ],
  'de-DE',
);

it.each([
  ['The folder /a/b (c)* is gone; choose its new place.', 'Der Ordner /a/b (c)* ist weg; neuen Ort wählen.'],
  ['Nothing was learnt.', 'Nichts wurde gelernt.'],
  // A value that is a phrase of the catalogue itself, a noun in both numbers, and a number with a point.
  ['1 of 1,200 rows cannot be used: "text" is empty.', 'Von 1.200 Zeilen sind 1 nicht verwendbar: „text“ ist leer.'],
  ['The loss went from 0.7342 to 0.1524; it fell by 3 %.', 'Der Loss ging von 0,7342 auf 0,1524; er fiel um 3 %.'],
  ['The loss went from 0.7 ± 0.01 to 0.6', 'Der Loss ging von 0,7 ± 0,01 auf 0,6'],
  ['The loss went from 0.7 to 0.1; "text" is empty', 'Der Loss ging von 0,7 auf 0,1; „text“ ist leer'],
  [
    'Nothing was learnt. The folder x is gone; choose its new place.',
    'Nichts wurde gelernt. Der Ordner x ist weg; neuen Ort wählen.',
  ],
])('%s', (english, want) => expect(german.translated(english)).toBe(want));

it('what is in no catalogue, or says too little, stays as it is', () => {
  for (const text of ['Something new.', '3 of 5', 'a version 4.22', '']) expect(german.translated(text)).toBe(text);
});
