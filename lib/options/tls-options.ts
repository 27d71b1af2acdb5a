/** Options of TLS: checked, files read, and turned into what native code takes. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { CheckServerIdentity } from '../addon/connection-types';
import { checkBoolean, checkFunction, checkOneOf, checkPath, checkString } from './checks';
import {
  show,
  showPath,
  typeError,
  unknownName,
  valueError,
  withCode,
  type CodedError,
} from './errors';
import type { TlsOptions } from '../addon/contract';

type Pem = string | NodeJS.ArrayBufferView;

export const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** Names and meanings are those of Node's `tls.connect()`, but for `fingerprint256`. */
export interface TlsClientOptions {
  /** Roots to trust instead of the default ones. PEM, one or more. */
  ca?: Pem | readonly Pem[] | undefined;
  /** The client's certificate, its chain behind it; the key may be in it. PEM or DER. */
  cert?: Pem | readonly Pem[] | undefined;
  /** The client's private key. PEM or DER. */
  key?: Pem | readonly (Pem | { pem: Pem; passphrase?: string | undefined })[] | undefined;
  /** Of an encrypted key, or of pfx. */
  passphrase?: string | undefined;
  /** PKCS #12, instead of cert and key. */
  pfx?: Pem | readonly (Pem | { buf: Pem; passphrase?: string | undefined })[] | undefined;
  /** OpenSSL's cipher list, default `tls.DEFAULT_CIPHERS`; names that begin with TLS_ are suites of TLS 1.3. */
  ciphers?: string | undefined;
  /** Default `tls.DEFAULT_MIN_VERSION`, that is 'TLSv1.2'. */
  minVersion?: (typeof TLS_VERSIONS)[number] | undefined;
  /** Default `tls.DEFAULT_MAX_VERSION`, that is 'TLSv1.3'. */
  maxVersion?: (typeof TLS_VERSIONS)[number] | undefined;
  /** Default ['http/1.1']. */
  ALPNProtocols?: readonly (string | Uint8Array)[] | Uint8Array | undefined;
  /** Refuse a server whose certificate cannot be verified. Default true, unless NODE_TLS_REJECT_UNAUTHORIZED is 0. */
  rejectUnauthorized?: boolean | undefined;
  /** For SNI and for the check of the certificate's name, instead of the host. '' sends no SNI. */
  servername?: string | undefined;
  /** Judges the certificate's name instead of the built-in check. An Error refuses it. */
  checkServerIdentity?: CheckServerIdentity | undefined;
  /** SHA-256 fingerprints (hex, with or without colons); the server's certificate must have one of them. */
  fingerprint256?: string | readonly string[] | undefined;
}

export const TLS_OPTION_NAMES = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'pfx',
  'ciphers',
  'minVersion',
  'maxVersion',
  'ALPNProtocols',
  'rejectUnauthorized',
  'servername',
  'checkServerIdentity',
  'fingerprint256',
] as const;

/** The bytes of a PEM or DER option. */
function bytesOf(field: string, value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  // The value may be a secret: only its kind is shown.
  throw typeError(field, 'a string or a Buffer', typeof value);
}

function concatenated(field: string, value: unknown): Buffer {
  if (!Array.isArray(value)) return bytesOf(field, value);
  const list = (value as unknown[]).flatMap((one, i) => [
    bytesOf(`${field}[${i}]`, one),
    Buffer.from('\n'),
  ]);
  return Buffer.concat(list);
}

/** One key or pfx, perhaps with a password of its own. */
function secretOf(
  field: string,
  value: unknown,
  property: 'pem' | 'buf',
): { bytes: Buffer; passphrase?: string } {
  if (!Array.isArray(value)) return { bytes: bytesOf(field, value) };
  const list = value as unknown[];
  if (list.length !== 1) {
    throw typeError(field, 'one value (a client has one identity)', `${list.length} values`);
  }
  const one = list[0];
  if (typeof one === 'object' && one !== null && property in one) {
    const entry = one as { passphrase?: unknown } & Record<string, unknown>;
    const bytes = bytesOf(`${field}[0].${property}`, entry[property]);
    if (entry.passphrase === undefined) return { bytes };
    return { bytes, passphrase: checkPassphrase(`${field}[0].passphrase`, entry.passphrase) };
  }
  return { bytes: bytesOf(`${field}[0]`, one) };
}

function checkPassphrase(field: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(field, 'a string', typeof value);
  return value;
}

function checkAlpn(field: string, value: unknown): string[] {
  const list: unknown[] = [];
  if (Array.isArray(value)) list.push(...(value as unknown[]));
  else if (value instanceof Uint8Array) {
    // The wire format: each name behind its length.
    for (let at = 0; at < value.length; at += 1 + (value[at] ?? 0)) {
      list.push(value.subarray(at + 1, at + 1 + (value[at] ?? 0)));
    }
  } else throw typeError(field, 'an array of strings', value);
  return list.map((one, i) => {
    const name = one instanceof Uint8Array ? Buffer.from(one).toString('latin1') : one;
    if (typeof name !== 'string') throw typeError(`${field}[${i}]`, 'a string', one);
    if (name.length < 1 || name.length > 255) {
      throw valueError(`${field}[${i}]`, name, 'must have 1 to 255 bytes (RFC 7301 §3.1)');
    }
    return name;
  });
}

export function checkFingerprints(field: string, value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? (value as unknown[]) : [value];
  return list.map((one, i) => {
    const name = list.length > 1 ? `${field}[${i}]` : field;
    const hex = checkString(name, one).replace(/:/g, '').toUpperCase();
    if (!/^[0-9A-F]{64}$/.test(hex)) {
      throw valueError(name, one, 'is not a SHA-256 fingerprint (64 hex digits)');
    }
    return (hex.match(/../g) as string[]).join(':');
  });
}

/** Checks the options of TLS. `field` gives the name of an option in messages. */
export function checkTlsOptions(
  input: TlsClientOptions,
  field: (name: string) => string = (name) => name,
): TlsOptions {
  if (input.checkServerIdentity !== undefined) {
    checkFunction(field('checkServerIdentity'), input.checkServerIdentity);
  }
  const result: TlsOptions = {
    rejectUnauthorized:
      input.rejectUnauthorized === undefined ||
      checkBoolean(field('rejectUnauthorized'), input.rejectUnauthorized),
    checkHost: input.checkServerIdentity === undefined,
    alpn:
      input.ALPNProtocols === undefined
        ? ['http/1.1']
        : checkAlpn(field('ALPNProtocols'), input.ALPNProtocols),
  };
  if (input.ca !== undefined) result.ca = concatenated(field('ca'), input.ca);
  if (input.cert !== undefined) result.cert = concatenated(field('cert'), input.cert);
  if (input.passphrase !== undefined) {
    result.passphrase = checkPassphrase(field('passphrase'), input.passphrase);
  }
  if (input.key !== undefined) {
    const { bytes, passphrase } = secretOf(field('key'), input.key, 'pem');
    result.key = bytes;
    if (passphrase !== undefined) result.passphrase = passphrase;
  }
  if (input.pfx !== undefined) {
    if (input.cert !== undefined || input.key !== undefined) {
      const other = input.cert !== undefined ? 'cert' : 'key';
      throw withCode(
        new TypeError(`${field('pfx')} and ${field(other)} are given both; one identity is enough`),
        'ERR_INVALID_ARG_VALUE',
        { field: field('pfx') },
      );
    }
    const { bytes, passphrase } = secretOf(field('pfx'), input.pfx, 'buf');
    result.pfx = bytes;
    if (passphrase !== undefined) result.passphrase = passphrase;
  }
  if (input.ciphers !== undefined) result.ciphers = checkString(field('ciphers'), input.ciphers);
  if (input.minVersion !== undefined) {
    result.minVersion = checkOneOf(field('minVersion'), input.minVersion, TLS_VERSIONS);
  }
  if (input.maxVersion !== undefined) {
    result.maxVersion = checkOneOf(field('maxVersion'), input.maxVersion, TLS_VERSIONS);
  }
  if (input.fingerprint256 !== undefined) {
    result.fingerprint256 = checkFingerprints(field('fingerprint256'), input.fingerprint256);
  }
  return result;
}

/** Checks the server name (RFC 6066 §3: a host name, no address, no dot at its end). */
export function checkServername(field: string, value: unknown): string {
  const name = checkString(field, value);
  if (name !== '' && isIP(name)) {
    throw valueError(field, name, 'is an address; a server name is a host name (RFC 6066 §3)');
  }
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x20\x7f]/.test(name)) throw valueError(field, name, 'is not a host name');
  return name;
}

/**
 * Adds to an error of createTls() what its setting is called by the user, and in which file it is. Native code
 * knows them under their names in {@link TlsOptions}.
 */
export function nameSetting(error: unknown, names: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof Error)) return error;
  const { setting } = error as Error & { setting?: unknown };
  const given = typeof setting === 'string' ? names.get(setting) : undefined;
  if (given !== undefined) {
    error.message = `${given}: ${error.message}`;
    Object.assign(error, { field: given.split(' ', 1)[0] });
  }
  return error;
}

// ---- SSL settings of the documented API

/** Settings of `ssl_settings`, under libwebsockets' names. */
export interface SslSettings {
  /**
   * Path of the certificate (PEM, its chain behind it) the client presents to the server. It may hold the private key
   * as well; else the next setting names its file.
   */
  client_ssl_cert_filepath?: string | undefined;
  /** Path of the client's private key (PEM). Default: the file of the certificate. */
  client_ssl_private_key_filepath?: string | undefined;
  /** The password of the private key. */
  client_ssl_private_key_password?: string | undefined;
  /** Path of the roots (PEM) to trust instead of Node's own. */
  client_ssl_ca_filepath?: string | undefined;
  /** OpenSSL's cipher list. */
  client_ssl_cipher_list?: string | undefined;
  /**
   * true (default): the server's certificate must be verified: chain, dates, host name. false: any certificate is
   * accepted, also self-signed and expired ones. Better: trust the one certificate by client_ssl_ca_filepath, or
   * by its fingerprint (`fingerprint256` of create()).
   */
  reject_unauthorized?: boolean | undefined;
}

/** clientSslCertFilepath → client_ssl_cert_filepath. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** @throws Error ERR_FILE_UNREADABLE naming the setting, the file and the system's word. */
function readSetting(field: string, path: unknown): Buffer {
  const file = checkPath(field, path);
  try {
    return readFileSync(file);
  } catch (error) {
    const { code: errno, message } = error as NodeJS.ErrnoException;
    throw withCode(
      new Error(`${field} ${showPath(file)} cannot be read: ${message}`, { cause: error }),
      'ERR_FILE_UNREADABLE',
      { field, path: file, errno },
    ) as CodedError;
  }
}

export interface CheckedSslSettings {
  /** The same as options of TLS. */
  options: TlsClientOptions;
  /** What options are called by the user: "ssl_settings.client_ssl_cert_filepath". */
  fields: Map<string, string>;
  /** The same for {@link nameSetting}, with the file. */
  described: Map<string, string>;
}

/** Settings, and the options they stand for. */
const SETTINGS: readonly { setting: string; option: keyof TlsClientOptions; file: boolean }[] = [
  { setting: 'client_ssl_cert_filepath', option: 'cert', file: true },
  { setting: 'client_ssl_private_key_filepath', option: 'key', file: true },
  { setting: 'client_ssl_private_key_password', option: 'passphrase', file: false },
  { setting: 'client_ssl_ca_filepath', option: 'ca', file: true },
  { setting: 'client_ssl_cipher_list', option: 'ciphers', file: false },
  { setting: 'reject_unauthorized', option: 'rejectUnauthorized', file: false },
];

const SETTING_NAMES: ReadonlySet<string> = new Set(SETTINGS.map(({ setting }) => setting));

/**
 * Checks `ssl_settings` and reads their files. camelCase names are taken as well. The values of what is no file are
 * checked later, with the other options.
 *
 * @throws TypeError for unknown settings and wrong types; Error ERR_FILE_UNREADABLE.
 */
export function checkSslSettings(input: object, field = 'ssl_settings'): CheckedSslSettings {
  const given = new Map<string, { name: string; value: unknown }>();
  for (const [name, value] of Object.entries(input)) {
    const snake = snakeCase(name);
    if (!SETTING_NAMES.has(snake)) throw unknownName(`${field} setting`, name, SETTING_NAMES);
    const earlier = given.get(snake);
    if (earlier !== undefined) {
      throw valueError(field, name, `is given twice (${show(earlier.name)})`);
    }
    if (value !== undefined) given.set(snake, { name, value });
  }
  const result: CheckedSslSettings = { options: {}, fields: new Map(), described: new Map() };
  const { options, fields, described } = result;
  for (const { setting, option, file } of SETTINGS) {
    const { name, value } = given.get(setting) ?? { name: setting, value: undefined };
    const fullName = `${field}.${name}`;
    fields.set(option, fullName);
    if (value === undefined) continue;
    Object.assign(options, { [option]: file ? readSetting(fullName, value) : value });
    described.set(option, file ? `${fullName} ${showPath(value)}` : fullName);
  }
  if (options.key !== undefined && options.cert === undefined) {
    throw withCode(
      new TypeError(
        `${fields.get('key')} is given without ${field}.client_ssl_cert_filepath, the certificate it belongs to`,
      ),
      'ERR_INVALID_ARG_VALUE',
      { field: fields.get('key') },
    );
  }
  // Without a key of its own, it is looked for in the certificate's file.
  const cert = described.get('cert');
  if (options.key === undefined && cert !== undefined) described.set('key', cert);
  // A password that is missing or wrong is best found by the file it is for.
  const key = described.get('key');
  if (key !== undefined) {
    described.set('passphrase', `${fields.get('passphrase') as string} (for ${key})`);
  }
  return result;
}
