/**
 * Certificates for the tests: a small authority and what it signed, good and bad, made by the openssl
 * command once and kept in build/certificates until half of their life is over.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { root } from './root';

/** A certificate and its key, as files and as contents. */
export interface Identity {
  certPath: string;
  keyPath: string;
  cert: Buffer;
  key: Buffer;
}

export interface Certificates {
  folder: string;
  /** The authority that signed everything but `selfSigned` and `stranger`. */
  caPath: string;
  ca: Buffer;
  /** localhost, 127.0.0.1 and ::1; valid. */
  server: Identity;
  /** A client's, valid. */
  client: Identity;
  /** `client`, certificate and key in one file. */
  wsPemPath: string;
  /** `client`'s key, encrypted with {@link passphrase}. */
  encryptedKeyPath: string;
  encryptedKey: Buffer;
  /** `client` as PKCS#12, with {@link passphrase}. */
  pfxPath: string;
  pfx: Buffer;
  /** `client`'s certificate as DER. */
  derPath: string;
  passphrase: string;
  /** Was valid until yesterday. */
  expired: Identity;
  /** Will be valid from tomorrow. */
  notYetValid: Identity;
  /** Signed by itself. */
  selfSigned: Identity;
  /** Valid, for wrong.example only. */
  wrongHost: Identity;
  /** For localhost, signed by an authority nobody trusts; `cert` includes that authority's own certificate. */
  strangerChain: Identity;
  /** The same without the authority's certificate. */
  stranger: Identity;
  /** A client's, signed by the untrusted authority. */
  strangerClient: Identity;
}

const passphrase = 'open sesame';
const maxAge = 12 * 60 * 60 * 1000;
/** Part of the folder's name: change it when the making changes. */
const generation = 1;

const localNames = 'DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1';

class Maker {
  private serial = 0x1000;

  constructor(private readonly folder: string) {}

  private run(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  private key(name: string): void {
    this.run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.ec`);
    this.run('pkcs8', '-topk8', '-nocrypt', '-in', `${name}.ec`, '-out', `${name}.key`);
    rmSync(join(this.folder, `${name}.ec`));
  }

  /** A root, or a certificate that nobody but itself signed. */
  selfSigned(name: string, commonName: string, extensions: string): void {
    this.key(name);
    writeFileSync(
      join(this.folder, `${name}.cnf`),
      `[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=${commonName}\n[ext]\n${extensions}\n`,
    );
    this.run(
      'req',
      '-x509',
      '-new',
      '-sha256',
      '-days',
      '2',
      '-key',
      `${name}.key`,
      '-config',
      `${name}.cnf`,
      '-set_serial',
      String(this.serial++),
      '-out',
      `${name}.pem`,
    );
  }

  /** A leaf of `authority`; dates as days from now. */
  leaf(
    name: string,
    commonName: string,
    extensions: string,
    authority = 'ca',
    from = -1,
    to = 2,
  ): void {
    this.key(name);
    const database = join(this.folder, `${name}.db`);
    writeFileSync(database, '');
    writeFileSync(join(this.folder, `${name}.serial`), `${(this.serial++).toString(16)}\n`);
    // Only `openssl ca` can set both dates in OpenSSL 3.0.
    writeFileSync(
      join(this.folder, `${name}.cnf`),
      `[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=${commonName}\n` +
        `[ca]\ndefault_ca=own\n[own]\nnew_certs_dir=.\ndatabase=${name}.db\nserial=${name}.serial\n` +
        `default_md=sha256\npolicy=any\nx509_extensions=ext\nunique_subject=no\n` +
        `[any]\ncommonName=supplied\n[ext]\nbasicConstraints=CA:FALSE\n${extensions}\n`,
    );
    this.run('req', '-new', '-key', `${name}.key`, '-config', `${name}.cnf`, '-out', `${name}.csr`);
    this.run(
      'ca',
      '-batch',
      '-notext',
      '-config',
      `${name}.cnf`,
      '-cert',
      `${authority}.pem`,
      '-keyfile',
      `${authority}.key`,
      '-startdate',
      asn1Date(from),
      '-enddate',
      asn1Date(to),
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
    );
  }

  all(): void {
    const authority = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign';
    const server = (names: string): string =>
      `subjectAltName=${names}\nextendedKeyUsage=serverAuth`;
    const client = 'extendedKeyUsage=clientAuth';
    this.selfSigned('ca', 'verawebsockets test authority', authority);
    this.selfSigned('otherca', 'verawebsockets untrusted authority', authority);
    this.selfSigned('selfsigned', 'localhost', server(localNames));
    this.leaf('server', 'localhost', server(localNames));
    this.leaf('client', 'test client', client);
    this.leaf('expired', 'localhost', server(localNames), 'ca', -10, -1);
    this.leaf('notyetvalid', 'localhost', server(localNames), 'ca', 1, 10);
    this.leaf('wronghost', 'wrong.example', server('DNS:wrong.example'));
    this.leaf('stranger', 'localhost', server(localNames), 'otherca');
    this.leaf('strangerclient', 'stranger', client, 'otherca');
    this.join('ws.pem', 'client.pem', 'client.key');
    this.join('strangerchain.pem', 'stranger.pem', 'otherca.pem');
    this.join('strangerchain.key', 'stranger.key');
    this.run(
      'pkcs8',
      '-topk8',
      '-v2',
      'aes-256-cbc',
      '-in',
      'client.key',
      '-passout',
      `pass:${passphrase}`,
      '-out',
      'client.encrypted.key',
    );
    this.run(
      'pkcs12',
      '-export',
      '-in',
      'client.pem',
      '-inkey',
      'client.key',
      '-passout',
      `pass:${passphrase}`,
      '-out',
      'client.pfx',
    );
    this.run('x509', '-in', 'client.pem', '-outform', 'DER', '-out', 'client.der');
  }

  private join(target: string, ...sources: string[]): void {
    const parts = sources.map((name) => readFileSync(join(this.folder, name)));
    writeFileSync(join(this.folder, target), Buffer.concat(parts));
  }
}

function asn1Date(days: number): string {
  const date = new Date(Date.now() + days * 24 * 60 * 60 * 1000);
  return `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}

function isFresh(folder: string): boolean {
  return existsSync(folder) && Date.now() - statSync(join(folder, 'ca.pem')).mtimeMs < maxAge;
}

/** The folder with everything in it; made if need be. Several processes may do so at once. */
function makeFolder(): string {
  const build = join(root, 'build');
  const folder = join(build, `certificates-${generation}`);
  if (isFresh(folder)) return folder;
  mkdirSync(build, { recursive: true });
  const fresh = mkdtempSync(join(build, 'certificates-'));
  new Maker(fresh).all();
  try {
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch {
    // Somebody else was quicker.
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

let cached: Certificates | undefined;

/** All test certificates. */
export function certificates(): Certificates {
  if (cached) return cached;
  const folder = makeFolder();
  const path = (name: string): string => join(folder, name);
  const identity = (name: string): Identity => {
    const certPath = path(`${name}.pem`);
    const keyPath = path(`${name}.key`);
    return { certPath, keyPath, cert: readFileSync(certPath), key: readFileSync(keyPath) };
  };
  cached = {
    folder,
    caPath: path('ca.pem'),
    ca: readFileSync(path('ca.pem')),
    server: identity('server'),
    client: identity('client'),
    wsPemPath: path('ws.pem'),
    encryptedKeyPath: path('client.encrypted.key'),
    encryptedKey: readFileSync(path('client.encrypted.key')),
    pfxPath: path('client.pfx'),
    pfx: readFileSync(path('client.pfx')),
    derPath: path('client.der'),
    passphrase,
    expired: identity('expired'),
    notYetValid: identity('notyetvalid'),
    selfSigned: identity('selfsigned'),
    wrongHost: identity('wronghost'),
    strangerChain: identity('strangerchain'),
    stranger: identity('stranger'),
    strangerClient: identity('strangerclient'),
  };
  return cached;
}
