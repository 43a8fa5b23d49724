/** Runs in the sandbox beside the page and gives it `window.graft`, nothing else. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { createPageBridge } from './pageBridge.ts';

contextBridge.exposeInMainWorld(
  'graft',
  createPageBridge(ipcRenderer, (file) => webUtils.getPathForFile(file)),
);
