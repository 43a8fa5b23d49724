/** An export written whole or not at all, as a new folder, or as one GGUF file with its certificate beside it. */
import fs from 'node:fs';
import path from 'node:path';
import { refuseInside, writeOutputFolder } from '../../basemodel/outputFolder.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { makeFolders } from '../../files/makeFolders.ts';
import { systemErrorAbout } from '../../files/systemError.ts';
import { syncFolder, temporaryNameFor } from '../../files/writeWhole.ts';
import { certificateBeside, isGgufName, isOneFile } from '../../../src-shared/exportFormats.ts';
import type { ExportFormat } from '../../../src-shared/exports.ts';

interface Output {
  format: ExportFormat;
  outDir: string;
}

/**
 * Runs `fill` on a temporary folder beside `outDir`, which becomes `outDir`; of one file only its GGUF and certificate
 * stay. Throws as writeOutputFolder.
 */
export async function writeExportOutput<T>(
  output: Output,
  baseDir: string,
  fill: (dir: string) => Promise<T>,
): Promise<T> {
  if (!isOneFile(output)) return writeOutputFolder(output.outDir, baseDir, fill);
  const target = path.resolve(output.outDir);
  refuseInside(target, baseDir);
  const temporary = temporaryNameFor(target);
  try {
    makeFolders(path.dirname(target));
    fs.mkdirSync(temporary);
    const result = await fill(temporary);
    moveOut(temporary, target);
    return result;
  } catch (error) {
    throw systemErrorAbout(error, target);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

/** The certificate first, so that the file never lies there without it. */
function moveOut(dir: string, target: string): void {
  const certificate = path.join(dir, CERTIFICATE_FILE);
  if (fs.existsSync(certificate)) fs.renameSync(certificate, certificateBeside(target));
  const gguf = fs.readdirSync(dir).find(isGgufName)!;
  fs.renameSync(path.join(dir, gguf), target);
  syncFolder(path.dirname(target));
}

/** What a filled temporary folder comes to, under the names that the files will have, in their order. */
export function filesIn(dir: string, output: Output): { files: string[]; sizeBytes: number } {
  const names = (fs.readdirSync(dir, { recursive: true }) as string[]).filter((name) =>
    fs.statSync(path.join(dir, name)).isFile(),
  );
  return {
    files: names.map((name) => finalName(name, output)).sort(),
    sizeBytes: names.reduce((sum, name) => sum + fs.statSync(path.join(dir, name)).size, 0),
  };
}

function finalName(name: string, output: Output): string {
  if (!isOneFile(output)) return name;
  return path.basename(name === CERTIFICATE_FILE ? certificateBeside(output.outDir) : output.outDir);
}
