/** Entry of the renderer: the session, styles, then the one component that everything hangs on. */
import './lib/host/session.ts';
import './lib/app/display.svelte.ts';
import { mount } from 'svelte';
import App from './App.svelte';
import './theme.css';
import './base.css';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app element.');
mount(App, { target });
