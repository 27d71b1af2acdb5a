/**
 * What Node.js was told about TLS for the whole program: by its flags, by the environment, and on the module
 * `node:tls`. `tls.connect()` obeys it at each call, and so do we: who demands TLS 1.3 by --tls-min-v1.3 means all
 * connections of the program.
 */
import { constants, getFips } from 'node:crypto';
import * as tls from 'node:tls';
import { checkOneOf, checkString } from './checks';
import { withCode } from './errors';
import type { TlsOptions } from '../addon/contract';
import { isNode } from '../base/runtime';
import type { CheckServerIdentity } from '../addon/connection-types';
import { TLS_VERSIONS, type TlsClientOptions } from './tls-options';

/**
 * What is nobody's wish. Node's own list of ciphers refuses what OpenSSL's does, which we have without being asked.
 * Other runtimes have other values, and those of before we came are their own.
 */
const USUAL = isNode()
  ? {
      ciphers: (constants as { defaultCoreCipherList?: string }).defaultCoreCipherList,
      curves: 'auto',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    }
  : {
      ciphers: tls.DEFAULT_CIPHERS,
      curves: tls.DEFAULT_ECDH_CURVE,
      minVersion: tls.DEFAULT_MIN_VERSION,
      maxVersion: tls.DEFAULT_MAX_VERSION,
    };

/** Names of native code's settings, where they come from here. */
const DESCRIBED: ReadonlyMap<string, string> = new Map([
  ['ciphers', 'tls.DEFAULT_CIPHERS'],
  ['curves', 'tls.DEFAULT_ECDH_CURVE'],
  ['minVersion', 'tls.DEFAULT_MIN_VERSION'],
  ['maxVersion', 'tls.DEFAULT_MAX_VERSION'],
]);

/**
 * Completes what a user gave for one connection by what holds for the program.
 *
 * @returns names of the settings that were added, for messages.
 * @throws Error ERR_TLS_FIPS; TypeError or RangeError for values on `node:tls` that mean nothing.
 */
export function addProgramDefaults(
  settings: TlsOptions,
  given: TlsClientOptions,
): ReadonlyMap<string, string> {
  refuseFips();
  const described = new Map<string, string>();
  const add = (name: 'ciphers' | 'curves' | 'minVersion' | 'maxVersion', value: string): void => {
    settings[name] = value;
    described.set(name, DESCRIBED.get(name) as string);
  };
  if (given.rejectUnauthorized === undefined && isVerificationOff()) {
    settings.rejectUnauthorized = false;
  }
  const version = (name: 'DEFAULT_MIN_VERSION' | 'DEFAULT_MAX_VERSION'): string =>
    checkOneOf(`tls.${name}`, tls[name], TLS_VERSIONS);
  if (given.minVersion === undefined && tls.DEFAULT_MIN_VERSION !== USUAL.minVersion) {
    add('minVersion', version('DEFAULT_MIN_VERSION'));
  }
  if (given.maxVersion === undefined && tls.DEFAULT_MAX_VERSION !== USUAL.maxVersion) {
    add('maxVersion', version('DEFAULT_MAX_VERSION'));
  }
  if (given.ciphers === undefined && tls.DEFAULT_CIPHERS !== USUAL.ciphers) {
    add('ciphers', checkString('tls.DEFAULT_CIPHERS', tls.DEFAULT_CIPHERS));
  }
  if (tls.DEFAULT_ECDH_CURVE !== USUAL.curves) {
    add('curves', checkString('tls.DEFAULT_ECDH_CURVE', tls.DEFAULT_ECDH_CURVE));
  }
  return described;
}

let warned = false;

/** Whether NODE_TLS_REJECT_UNAUTHORIZED turns the verification off; warns the first time, in Node's words. */
function isVerificationOff(): boolean {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return false;
  if (!warned) {
    warned = true;
    process.emitWarning(
      "Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS connections and HTTPS " +
        'requests insecure by disabling certificate verification.',
    );
  }
  return true;
}

/** Node's FIPS mode (--enable-fips, --force-fips, crypto.setFips()) is for its own OpenSSL. */
function refuseFips(): void {
  if (!isNode() || getFips() !== 1) return;
  throw withCode(
    new Error(
      'Node.js is in FIPS mode, and the OpenSSL inside this package is no validated module: TLS is refused',
    ),
    'ERR_TLS_FIPS',
  );
}

/** Node's own check, if nobody has replaced it before we came. */
const OWN_CHECK = isReplaced(tls.checkServerIdentity) ? undefined : tls.checkServerIdentity;

function isReplaced(check: unknown): boolean {
  // The text of Node's own. A wrong guess costs time, no safety: the function is called all the same.
  return isNode() && !Function.prototype.toString.call(check).includes('unfqdn(');
}

/** What a program has put in the place of tls.checkServerIdentity, which judges where there is no option. */
export function replacedServerIdentity(): CheckServerIdentity | undefined {
  return tls.checkServerIdentity === OWN_CHECK
    ? undefined
    : (tls.checkServerIdentity as unknown as CheckServerIdentity);
}
