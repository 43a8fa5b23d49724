/**
 * Entry of the command line: runs the command in a process of its own and watches it, so that Ctrl-C is answered even
 * while that process reads, merges or waits for a file and hears nothing.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { superviseCommand } from './supervise.ts';

/** Beside this file, as source or as bundle. */
const ENTRY = path.join(import.meta.dirname, `run${path.extname(import.meta.filename)}`);

// What a scheduler has begun is watched by it, and has to hear its signals itself.
if (process.argv[2] === 'worker') await import(pathToFileURL(ENTRY).href);
else process.exitCode = await superviseCommand(ENTRY, process.argv.slice(2));
