/** Booting an engine for a test suite; the webgpu suites skip, with one line, where no graphics driver answers. */
import { bootBackend } from '../../src-main/engine/backends/backends.ts';
import type { BackendName } from '../../src-shared/backends.ts';

/**
 * For a suite's title: why it is skipped; empty when the engine has been booted. Throws where an engine must be there.
 */
export async function bootOrNote(engine: BackendName): Promise<string> {
  try {
    await bootBackend(engine);
    return '';
  } catch (error) {
    if (engine !== 'webgpu') throw error;
    const note = `skipped: ${error instanceof Error ? error.message : String(error)}`;
    console.warn(note); // the reporter does not print titles of skipped suites
    return ` (${note})`;
  }
}
