/** A short question whether a download host answers, so that a closed network costs seconds. */

/**
 * @param {string} url
 * @param {number} [limitMs]
 * @returns {Promise<boolean>} true also when a proxy is set: only the real download can tell then
 */
export async function hostAnswers(url, limitMs = 5000) {
  const { HTTPS_PROXY, https_proxy } = process.env;
  if (HTTPS_PROXY || https_proxy) return true;
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
    return true;
  } catch {
    return false;
  }
}
