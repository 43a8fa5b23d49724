/** Reductions over the lanes of one workgroup, through workgroup memory; subgroups are not needed. */

/** WGSL of `total(value, lane)`: the sum over all lanes, known to each of them. `lanes` is a power of two. */
export function totalSnippet(lanes: number): string {
  return reduction('total', lanes, (a, b) => `${a} + ${b}`);
}

/** WGSL of `highest(value, lane)`: the maximum over all lanes, known to each of them. */
export function highestSnippet(lanes: number): string {
  return reduction('highest', lanes, (a, b) => `max(${a}, ${b})`);
}

function reduction(name: string, lanes: number, combine: (a: string, b: string) => string): string {
  return `
var<workgroup> ${name}Parts: array<f32, ${lanes}>;
fn ${name}(value: f32, lane: u32) -> f32 {
  ${name}Parts[lane] = value;
  workgroupBarrier();
  for (var half = ${lanes / 2}u; half > 0u; half >>= 1u) {
    if (lane < half) { ${name}Parts[lane] = ${combine(`${name}Parts[lane]`, `${name}Parts[lane + half]`)}; }
    workgroupBarrier();
  }
  let result = ${name}Parts[0];
  workgroupBarrier();
  return result;
}`;
}
