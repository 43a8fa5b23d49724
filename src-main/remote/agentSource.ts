/** The agent as one text that another machine's Node can import, whether Graft runs as bundle or as source. */
import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';

const ENTRY = path.resolve(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? 'agent/serve.ts' : 'remoteAgent.js',
);
const OWN_IMPORT = /\b(from|import)\s*(["'])(\.\.?\/[^"']+)\2/g;

let made: string | undefined;

/** JavaScript that exports `serve`; it imports nothing but Node's own modules. */
export function agentSource(): string {
  made ??= linked(ENTRY);
  return made;
}

/** The text of a file with the files that it imports inside, each as a data address. */
function linked(file: string): string {
  const text = fs.readFileSync(file, 'utf8');
  const script = file.endsWith('.ts') ? module.stripTypeScriptTypes(text) : text;
  return script.replace(OWN_IMPORT, (_, word: string, quote: string, name: string) => {
    const inner = Buffer.from(linked(path.resolve(path.dirname(file), name))).toString('base64');
    return `${word} ${quote}data:text/javascript;base64,${inner}${quote}`;
  });
}
