/** The system's keychain for short secrets, through Electron's safeStorage. */
import type { SafeStorage } from 'electron';
import type { Keychain } from '../../hub/token.ts';

type Storage = Pick<
  SafeStorage,
  'isEncryptionAvailable' | 'getSelectedStorageBackend' | 'encryptString' | 'decryptString'
>;

const NAMES: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'the keychain of macOS',
  win32: 'the protected storage of Windows',
};

/** Undefined where there is none, also on a Linux desktop without a keyring: Electron would use a key that all know. */
export function systemKeychain(storage: Storage, platform: NodeJS.Platform = process.platform): Keychain | undefined {
  if (!storage.isEncryptionAvailable()) return undefined;
  if (platform === 'linux' && ['basic_text', 'unknown'].includes(storage.getSelectedStorageBackend())) return undefined;
  return {
    name: NAMES[platform] ?? 'the keyring of the desktop',
    encrypt: (text) => storage.encryptString(text),
    decrypt: (bytes) => storage.decryptString(bytes),
  };
}
