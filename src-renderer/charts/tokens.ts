/** Colour tokens as values that a canvas understands. */

const probe = document.createElement('span');

/** The colour of a token such as `--danger` in the present theme. */
export function tokenColour(name: string): string {
  if (!probe.isConnected) {
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
