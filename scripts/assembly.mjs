/** Compiles src-main/engine/packed/assembly into src-main/engine/packed/module.ts. Its output is committed. */
import fs from 'node:fs';
import { compiledModule, MODULE } from './lib/assembly.mjs';

fs.writeFileSync(MODULE, await compiledModule());
