/**
 * Entry of the renderer: the session, styles, the language, then the one component that everything hangs on. It is read
 * after the language, since sentences of modules are made as they are read.
 */
import './lib/host/session.ts';
import './lib/app/display.svelte.ts';
import { mount } from 'svelte';
import { loadLocale } from 'wuchale/load-utils';
import './locales/ui.loader.ts';
import { hostSentences } from './locales/hostCatalogue.ts';
import { api } from './lib/api.ts';
import { HostSentences, useHostSentences } from './lib/app/hostSentences.ts';
import { intlLocales, languageFor, useLanguage } from './lib/app/language.ts';
import './theme.css';
import './base.css';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app element.');

// That a host does not answer, the pages say themselves.
const choice = await api.system.settings.query().then(
  ({ language }) => language,
  () => 'system' as const,
);
const language = languageFor(choice, navigator.languages);
useLanguage(language);
document.documentElement.lang = language;
await loadLocale(language);
if (language !== 'en') useHostSentences(new HostSentences(await hostSentences(language), intlLocales().numbers));
const { default: App } = await import('./App.svelte');
mount(App, { target });
