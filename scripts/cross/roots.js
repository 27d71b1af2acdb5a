'use strict';

// Whether a client trusts whom Windows trusts, where Node.js is told to (--use-system-ca): an authority of the tests is
// put into the user's certificate store and taken out of it again. (Wine fills the machine's with this system's,
// whenever it starts.)

const crypto = require('node:crypto');
const path = require('node:path');
const { execute } = require('../execute');
const { root } = require('../checkout');
const { environmentOf } = require('./suites');
const { underWine } = require('./wine');

/** A property of a stored certificate, its bytes: CERT_CERT_PROP_ID of wincrypt.h. */
const CERTIFICATE = 32;
const STORE = 'HKCU\\Software\\Microsoft\\SystemCertificates\\Root\\Certificates';
const DISTRUSTED = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';

/** A certificate as the registry keeps it: its key, and the value. */
function stored(pem) {
  const { raw } = new crypto.X509Certificate(pem);
  const head = Buffer.alloc(12);
  [CERTIFICATE, 1, raw.length].forEach((number, i) => head.writeUInt32LE(number, 4 * i));
  const key = crypto.createHash('sha1').update(raw).digest('hex').toUpperCase();
  return { key: `${STORE}\\${key}`, blob: Buffer.concat([head, raw]).toString('hex') };
}

/** { passed, failed, output, code } */
async function roots({ command: [program, ...before], ...there }) {
  const { ca, server } = require(
    path.join(root, 'build', 'test', 'support', 'certificates.js'),
  ).certificates();
  const env = environmentOf(there);
  const start = ([command, ...args]) => execute(command, args, { cwd: root, env });
  const { key, blob } = stored(ca);
  const reg = (...args) => start([...underWine('reg.exe').command, ...args]);
  const script = path.join(root, 'test', 'smoke', 'roots.js');
  const result = { passed: 0, failed: 0, output: '', code: 0 };
  const expect = async (what, flags, expected) => {
    const args = [...before, ...flags, script, server.certPath, server.keyPath];
    const { output } = await start([program, ...args]);
    const said = output.trim().split('\n').at(-1);
    const ok = said === `WebSocket: ${expected}, node:tls: ${expected}`;
    result[ok ? 'passed' : 'failed'] += 1;
    result.output += `${ok ? 'ok' : 'FAILED'} ${what}: ${said}\n`;
  };
  await expect('with --use-system-ca, unknown to the system', ['--use-system-ca'], DISTRUSTED);
  try {
    const added = await reg('add', key, '/v', 'Blob', '/t', 'REG_BINARY', '/d', blob, '/f');
    if (added.code !== 0) result.output += added.output;
    await expect('without a flag, in the store of the system', [], DISTRUSTED);
    await expect('with --use-system-ca, in the store', ['--use-system-ca'], 'open');
  } finally {
    await reg('delete', key, '/f');
  }
  result.code = result.failed;
  return result;
}

module.exports = { roots };
