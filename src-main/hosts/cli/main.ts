/**
 * Entry of the command line: runs the command in a process of its own and watches it, so that Ctrl-C is answered even
 * while that process reads, merges or waits for a file and hears nothing.
 */
import path from 'node:path';
import { superviseCommand } from './supervise.ts';

process.exitCode = await superviseCommand(path.join(import.meta.dirname, 'run.ts'), process.argv.slice(2));
