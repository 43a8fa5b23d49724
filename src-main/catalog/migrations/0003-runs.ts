/** Schema of runs in the studio. */
export const runs = ``;
