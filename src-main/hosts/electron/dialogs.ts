/** Native folder and file dialogs for our own page. */
import type { OpenDialogOptions, OpenDialogReturnValue } from 'electron';
import { z } from 'zod';
import { CHANNELS } from './bridge.ts';
import { demandOwnPage } from './ipcBridge.ts';
import type { IpcMainLike } from './ipcBridge.ts';

const extensionsSchema = z
  .array(z.string().regex(/^[a-z0-9]{1,16}$/i))
  .max(20)
  .optional();

/** `show` opens the dialog over the app's window. */
export function serveDialogs(
  ipc: IpcMainLike,
  origin: string,
  show: (options: OpenDialogOptions) => Promise<OpenDialogReturnValue>,
): void {
  const pick = async (options: OpenDialogOptions): Promise<string | null> => {
    const { canceled, filePaths } = await show(options);
    return canceled ? null : (filePaths[0] ?? null);
  };
  ipc.handle(CHANNELS.pickFolder, (event) => {
    demandOwnPage(event, origin);
    return pick({ properties: ['openDirectory', 'createDirectory'] });
  });
  ipc.handle(CHANNELS.pickFile, (event, message) => {
    demandOwnPage(event, origin);
    const extensions = extensionsSchema.parse(message);
    const filters = extensions?.length ? [{ name: extensions.join(', '), extensions }] : undefined;
    return pick({ properties: ['openFile'], filters });
  });
}
