/** Schema of playground in the studio. */
export const playground = ``;
