/** Runs in the sandbox beside the page and gives it `window.graft`, nothing else. */
import { contextBridge, ipcRenderer } from 'electron';
import { createPageBridge } from './electron/pageBridge.ts';

contextBridge.exposeInMainWorld('graft', createPageBridge(ipcRenderer));
