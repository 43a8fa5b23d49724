/** The language of the page and how it writes numbers and dates. Chosen before anything else is read, then fixed. */
import { LANGUAGES, type Language, type LanguageChoice } from '../../../src-shared/languages.ts';

const REGIONS: Record<Language, { numbers: string; dates: string }> = {
  en: { numbers: 'en-US', dates: 'en-GB' },
  de: { numbers: 'de-DE', dates: 'de-DE' },
};

let current: Language = 'en';

/** `wanted`: what the system asks for, best first: `['de-AT', 'en']`. */
export function languageFor(choice: LanguageChoice, wanted: readonly string[]): Language {
  if (choice !== 'system') return choice;
  const codes = wanted.map((tag) => tag.split('-')[0]);
  return codes.flatMap((code) => LANGUAGES.find((language) => language === code) ?? [])[0] ?? 'en';
}

export function useLanguage(language: Language): void {
  current = language;
}

/** For Intl's formats of numbers, dates and lists. */
export function intlLocales(): { numbers: string; dates: string } {
  return REGIONS[current];
}
