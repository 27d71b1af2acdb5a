/** What a TLS configuration is made of, of either side: declarations only. See contract.ts. */

export interface TlsOptions {
  /** PEM or DER file contents or PEM text; several are concatenated PEM. Absent: the roots that were set last. */
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  passphrase?: string;
  pfx?: Buffer;
  ciphers?: string;
  /** Groups of the key exchange, by OpenSSL's names; absent: OpenSSL's own list. */
  curves?: string;
  /** 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'. */
  minVersion?: string;
  maxVersion?: string;
  alpn?: string[];
  rejectUnauthorized: boolean;
  /** Check the host name against the certificate. */
  checkHost: boolean;
  /** SHA-256 fingerprints, upper-case hex with colons; one must match the leaf. */
  fingerprint256?: string[];
}
