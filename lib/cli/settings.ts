/** From what the command line says to options of connections and servers. */
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { ServerOptions } from '../server';
import type { ClientOptions } from '../websocket';
import type { Given } from './arguments';
import { UsageError, wordsOf } from './exit';

/** @throws UsageError that names the option and says why. */
export function readFile(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`--${option}: ${wordsOf(error)}`);
  }
}

/** A URL may lack its scheme, as with wscat. */
export function urlOf(text: string): string {
  return /^(?:[a-z][a-z0-9.+-]*:\/\/|wss?\+unix:)/i.test(text) ? text : `ws://${text}`;
}

/** Where to listen: "8080", "127.0.0.1:8080", "[::1]:8080". */
export function addressOf(text: string): { host?: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d+)$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535)
    throw new UsageError(
      `${text}: needs a port from 0 to 65535, perhaps with an address before it`,
    );
  const host = bracketed ?? plain;
  return host ? { host, port } : { port };
}

function headersOf(given: Given): [string, string][] {
  const headers = given.list('header').map((text): [string, string] => {
    const colon = text.indexOf(':');
    if (colon < 1)
      throw new UsageError(`-H ${text}: needs a name and a value, with a colon between`);
    return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  });
  const host = given.text('host');
  return host === undefined ? headers : [...headers, ['Host', host]];
}

type Identity = Pick<ServerOptions, 'ca' | 'cert' | 'key' | 'passphrase'>;

/** passphrase: what was asked for, where --passphrase has no value. */
function identity(given: Given, passphrase: string | undefined): Identity {
  if (given.has('key') && !given.has('cert')) throw new UsageError('--key needs --cert');
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => {
    const file = given.text(name);
    return file === undefined ? undefined : readFile(name, file);
  });
  const secret = given.text('passphrase') || passphrase;
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert, key: key ?? cert } : {}),
    ...(secret === undefined ? {} : { passphrase: secret }),
  };
}

function proxyOf(given: Given): string | undefined {
  const text = given.text('proxy');
  if (text === undefined || text === 'env' || text.includes('://')) return text;
  return `http://${text}`;
}

export function clientOptions(given: Given, passphrase: string | undefined): ClientOptions {
  if (given.number('protocol', 13) !== 13)
    throw new UsageError('--protocol: 13 is the only version there is (RFC 6455)');
  const [origin, auth, proxy] = [given.text('origin'), given.text('auth'), proxyOf(given)];
  return {
    headers: headersOf(given),
    handshakeTimeout: Math.ceil(given.number('timeout', 30, { max: 2_000_000 }) * 1000),
    closeTimeout: 3000,
    followRedirects: given.has('location'),
    maxRedirects: given.number('max-redirects', 10, { integer: true }),
    perMessageDeflate: !given.has('no-compress'),
    ...identity(given, passphrase),
    ...(given.has('no-check') ? { rejectUnauthorized: false } : {}),
    ...(origin === undefined ? {} : { origin }),
    ...(auth === undefined ? {} : { auth }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** Of an ordinary request. */
export function requestOptions(given: Given, passphrase: string | undefined): RequestOptions {
  const auth = given.text('auth');
  return {
    headers: Object.fromEntries(headersOf(given)),
    ...identity(given, passphrase),
    ...(given.has('no-check') ? { rejectUnauthorized: false } : {}),
    ...(auth === undefined ? {} : { auth }),
  } as RequestOptions;
}

export function serverOptions(given: Given, passphrase: string | undefined): ServerOptions {
  const accepted = given.list('subprotocol');
  const certificates = identity(given, passphrase);
  return {
    ...addressOf(given.target),
    ...certificates,
    closeTimeout: 3000,
    perMessageDeflate: true,
    // With a CA: its clients alone.
    ...(certificates.ca ? { requestCert: true } : {}),
    ...(accepted.length > 0
      ? { handleProtocols: (offered) => accepted.find((name) => offered.has(name)) ?? false }
      : {}),
  };
}
