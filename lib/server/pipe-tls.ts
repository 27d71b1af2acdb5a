/** A server's TLS as Node.js takes it, where it is Node's that is spoken. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import type { ServerTlsOptions } from '../addon/contract';

/** Of one key; Node.js takes no more. */
const TICKET_KEY = 48;
/** Node's own limit for a TLS handshake would be 120 s, and that of the listener holds. */
const NO_TIMEOUT = 0x7fffffff;

const isPem = (bytes: Buffer): boolean => bytes.includes('-----BEGIN ');

/** Node.js takes PEM only. */
function certificateOf(bytes: Buffer): Buffer | string {
  return isPem(bytes) ? bytes : new X509Certificate(bytes).toString();
}

function keyOf(bytes: Buffer, passphrase: string | undefined): Buffer | string {
  if (isPem(bytes)) return bytes;
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      const key = createPrivateKey({ key: bytes, format: 'der', type, passphrase });
      return key.export({ format: 'pem', type: 'pkcs8' });
    } catch {
      // Of another type.
    }
  }
  return bytes; // of which Node.js will say that it is no key
}

/** Names as they are sent: each behind its length. */
function wireFormat(names: readonly string[]): Buffer {
  const parts = names.flatMap((name) => [Buffer.of(name.length), Buffer.from(name, 'latin1')]);
  return Buffer.concat(parts);
}

/** A ticket is good where as much is asked of the client as where it was given. At most 32 bytes. */
function sessionContext({ ca, requestCert, rejectUnauthorized }: ServerTlsOptions): string {
  const hash = createHash('sha256').update(ca ?? '');
  return hash.update(`${requestCert} ${rejectUnauthorized}`).digest('hex').slice(0, 32);
}

/** The options of an https.Server. */
export function httpsOptions(tls: ServerTlsOptions): ServerOptions {
  const { ca, cert, key = cert, pfx, passphrase, ciphers, ecdhCurve, ticketKeys, alpn = [] } = tls;
  return {
    ...(ca && { ca: certificateOf(ca) }),
    ...(cert && { cert: certificateOf(cert) }),
    ...(key && { key: keyOf(key, passphrase) }),
    ...(pfx && { pfx }),
    ...(passphrase !== undefined && { passphrase }),
    ...(ciphers !== undefined && { ciphers }),
    ...(ecdhCurve !== undefined && { ecdhCurve }),
    ...(ticketKeys && { ticketKeys: ticketKeys.subarray(0, TICKET_KEY) }),
    ...(tls.minVersion !== undefined && { minVersion: tls.minVersion as 'TLSv1.2' }),
    ...(tls.maxVersion !== undefined && { maxVersion: tls.maxVersion as 'TLSv1.3' }),
    ALPNProtocols: wireFormat(alpn),
    requestCert: tls.requestCert,
    rejectUnauthorized: tls.rejectUnauthorized,
    honorCipherOrder: tls.honorCipherOrder,
    sessionTimeout: tls.sessionTimeout,
    sessionIdContext: sessionContext(tls),
    handshakeTimeout: NO_TIMEOUT,
  };
}
