'use strict';

// Certificates for an example, made with node:crypto alone: an authority, a server's for localhost, a client's. They
// are written in DER by hand (RFC 5280), because Node.js reads certificates but makes none.

const { generateKeyPairSync, randomBytes, sign } = require('node:crypto');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

// ---- DER: a tag, a length, the contents

function der(tag, ...contents) {
  const body = Buffer.concat(contents);
  const bytes = [];
  for (let length = body.length; length > 0; length >>= 8) bytes.unshift(length & 255);
  const length = body.length < 128 ? [body.length] : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...contents) => der(0x30, ...contents);
const octets = (contents) => der(0x04, contents);
const bits = (contents) => der(0x03, Buffer.from([0]), contents);
const text = (string) => der(0x0c, Buffer.from(string));
const yes = der(0x01, Buffer.from([255]));

function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const digits = [number & 127];
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift(0x80 | (left & 127));
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

function time(date) {
  const digits = date.toISOString().replace(/[-:T]/g, '');
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

// ---- Certificates (RFC 5280 §4.1)

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const DAY = 24 * 60 * 60 * 1000;

const nameOf = (commonName) => sequence(der(0x31, sequence(oid('2.5.4.3'), text(commonName))));
const extension = (id, value, critical = false) =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

/** basicConstraints and keyUsage of an authority. */
const AUTHORITY = [
  extension('2.5.29.19', sequence(yes), true),
  extension('2.5.29.15', der(0x03, Buffer.from([1, 0x06])), true),
];
/** extendedKeyUsage and subjectAltName of a server. */
const SERVER = [
  extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
  extension(
    '2.5.29.17',
    sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))),
  ),
];
const CLIENT = [extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.2')))];

function pem(label, bytes) {
  const lines = bytes.toString('base64').match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Makes a key and a certificate for it, signed by issuer, or by itself. */
function issue(commonName, extensions, issuer) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signer = issuer ?? { commonName, privateKey };
  const serial = randomBytes(8);
  serial[0] = (serial[0] & 127) | 1; // positive, and no leading zero
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    nameOf(signer.commonName),
    sequence(time(new Date(Date.now() - DAY)), time(new Date(Date.now() + DAY))),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = bits(sign('sha256', body, signer.privateKey));
  return {
    commonName,
    privateKey,
    cert: pem('CERTIFICATE', sequence(body, ECDSA_WITH_SHA256, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

/**
 * A folder with ca.pem (the authority), server.pem (certificate and key) and ws.pem (the client's certificate and key),
 * which is removed when the process ends.
 */
function makeCertificates() {
  const folder = mkdtempSync(join(tmpdir(), 'verawebsockets-example-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const authority = issue('verawebsockets example authority', AUTHORITY);
  const server = issue('localhost', SERVER, authority);
  const client = issue('example client', CLIENT, authority);
  const write = (name, ...parts) => {
    const file = join(folder, name);
    writeFileSync(file, parts.join(''), { mode: 0o600 });
    return file;
  };
  return {
    ca: write('ca.pem', authority.cert),
    server: write('server.pem', server.cert, server.key),
    client: write('ws.pem', client.cert, client.key),
  };
}

module.exports = { makeCertificates };
