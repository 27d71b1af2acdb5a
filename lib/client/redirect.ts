/** Where a redirect leads to, as libwebsockets followed them: at most three, and never from wss to ws. */
import type { ConnectionFailure } from '../addon/contract';
import { parseUrl, type ParsedUrl } from '../options/url';

/** libwebsockets gives up at the fourth. */
export const MAX_REDIRECTS = 3;

export type RedirectStep = { url: ParsedUrl; sameOrigin: boolean } | { failure: ConnectionFailure };

/**
 * @param from the URL that answered.
 * @param answer the redirect: status, location.
 * @param followed how many were followed before this one.
 */
export function followRedirect(
  from: ParsedUrl,
  answer: ConnectionFailure,
  followed: number,
): RedirectStep {
  const fail = (code: string, reason: string, detail: string): RedirectStep => ({
    failure: { ...answer, code, reason, detail },
  });
  const { location } = answer;
  if (!location) {
    return fail(
      'ERR_REDIRECT_NO_LOCATION',
      'HS: Redirect code but no Location',
      `status ${answer.status} without a Location header`,
    );
  }
  let url: ParsedUrl;
  try {
    // A unix socket's URL is no base for a relative one.
    const base =
      from.socketPath === undefined ? from.href : from.origin.replace('+unix://', '://localhost');
    url = parseUrl(location, 'Location', base);
  } catch (error) {
    return fail('ERR_REDIRECT_INVALID_LOCATION', 'HS: URI did not parse', (error as Error).message);
  }
  if (from.secure && !url.secure) {
    return fail(
      'ERR_REDIRECT_DOWNGRADE',
      'HS: Redirect failed',
      `HS: Redirect attempted SSL downgrade, to ${url.href}`,
    );
  }
  if (followed >= MAX_REDIRECTS) {
    return fail(
      'ERR_REDIRECT_LIMIT',
      'HS: Redirect failed',
      `more than ${MAX_REDIRECTS} redirects`,
    );
  }
  if (from.socketPath !== undefined && url.host === 'localhost' && url.socketPath === undefined) {
    // Relative: the same socket, another path.
    url = { ...url, socketPath: from.socketPath };
  }
  return {
    url,
    sameOrigin:
      url.secure === from.secure &&
      url.hostHeader === from.hostHeader &&
      url.socketPath === from.socketPath,
  };
}
