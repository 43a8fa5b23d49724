/** Writes THIRD-PARTY-NOTICES.md from package-lock.json. */
import fs from 'node:fs';
import path from 'node:path';
import { noticesText } from './lib/notices.mjs';
import { root } from './lib/paths.mjs';

const lock = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
fs.writeFileSync(path.join(root, 'THIRD-PARTY-NOTICES.md'), noticesText(lock.packages));
