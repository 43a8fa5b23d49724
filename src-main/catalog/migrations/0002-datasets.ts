/** Schema of datasets in the studio. */
export const datasets = ``;
