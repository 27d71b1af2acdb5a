/** What the engine tells of a connection, in the terms of net.Socket and tls.TLSSocket. */
import { X509Certificate } from 'node:crypto';

/** By the version of IP; others (0: a Unix socket) have none. */
export const FAMILIES: Readonly<Record<number, string>> = { 4: 'IPv4', 6: 'IPv6' };

/** As getPeerCertificate() has it; {} without one. @param raw DER. */
export function legacyCertificate(raw: Buffer | undefined): object {
  return raw === undefined ? {} : new X509Certificate(raw).toLegacyObject();
}

/** As getCipher() has it. */
export function cipherOf({ cipher, protocol }: { cipher: string; protocol: string }): {
  name: string;
  standardName: string;
  version: string;
} {
  return { name: cipher, standardName: cipher, version: protocol };
}
