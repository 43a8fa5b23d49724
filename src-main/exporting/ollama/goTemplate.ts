/**
 * A frame in the language of Ollama's TEMPLATE, Go's text/template. Ollama calls it with `.Messages`, consecutive ones
 * of a role joined, the system's among them, and `.System`, the system's words (ollama/template/template.go). No action
 * trims the space beside it, so every character of the frame stands there as it is.
 */
import type { Frame } from './frame.ts';

/** Undefined where a text of the frame cannot stand in a Modelfile. */
export function goTemplate(frame: Frame): string | undefined {
  const { userEnd, assistant, assistantEnd, goOn } = frame;
  const { head, before } = userParts(frame);
  const template =
    `${head}{{ range $i, $m := .Messages }}` +
    `{{ if eq $m.Role "user" }}${before}{{ $m.Content }}${userEnd}` +
    `{{ else if eq $m.Role "assistant" }}${assistant}{{ $m.Content }}${assistantEnd}` +
    `{{ end }}{{ end }}${goOn}`;
  const { first, user, system } = frame;
  const texts = [first, user, userEnd, assistant, assistantEnd, goOn, system?.before ?? '', system?.after ?? ''];
  return texts.every(isPlain) ? template : undefined;
}

/** What stands before all messages, and before a user's words. */
function userParts({ first, user, system }: Frame): { head: string; before: string } {
  if (system?.at === 'last') {
    const later = first === user ? user : `{{ if lt $i 2 }}${first}{{ else }}${user}{{ end }}`;
    const isLast = '{{ if and $.System (eq (len (slice $.Messages $i)) 1) }}';
    return { head: '', before: `${isLast}${around(system, '$.System')}{{ else }}${later}{{ end }}` };
  }
  // All users alike: what is special about the beginning goes before the messages.
  if (first.endsWith(user) && (system?.after.endsWith(user) ?? true)) {
    const plain = without(first, user);
    if (!system) return { head: plain, before: user };
    const own = around({ before: system.before, after: without(system.after, user) }, '.System');
    return { head: `{{ if .System }}${own}${plain && `{{ else }}${plain}`}{{ end }}`, before: user };
  }
  // The first user is message 0, or 1 after the system.
  const opening = system ? `{{ if $.System }}${around(system, '$.System')}{{ else }}${first}{{ end }}` : first;
  return { head: '', before: `{{ if lt $i 2 }}${opening}{{ else }}${user}{{ end }}` };
}

function around({ before, after }: { before: string; after: string }, system: string): string {
  return `${before}{{ ${system} }}${after}`;
}

function without(text: string, ending: string): string {
  return text.slice(0, text.length - ending.length);
}

/** No action, no end of the quotes, and only what Ollama's parser of Modelfiles keeps. */
export function isPlain(text: string): boolean {
  return !/\{\{|\}\}|"""/.test(text) && !/[^\P{C}\n\t]|[^\P{Z} ]/u.test(text);
}
