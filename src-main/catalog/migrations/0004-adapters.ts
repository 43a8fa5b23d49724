/** Schema of adapters in the studio. */
export const adapters = ``;
