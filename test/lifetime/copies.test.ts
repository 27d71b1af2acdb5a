/**
 * Two copies of the addon in one process: the library loaded twice, and the binary under two names.
 */
import { strict as assert } from 'node:assert';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { root } from '../support/root';
import { startWsServer, type WsServer } from '../support/ws-server';

/** Defines fresh(binary): the library with that binary, as if nothing had been loaded; and talk(lib). */
const prelude = `
const path = require('node:path');
const fresh = (binary) => {
  process.env.VERAWEBSOCKETS_BINARY = binary;
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(path.dirname(libraryPath))) delete require.cache[file];
  }
  const one = require(libraryPath);
  one.versions();
  return one;
};
const talk = (lib, name, url) => new Promise((resolve, reject) => {
  const wso = lib.create({ url, ssl_settings: { client_ssl_ca_filepath: args.ca }, event_handlers: {
    1(reason, error) { reject(error); },
    3() { lib.send(wso, name); },
    8(data) { if (data !== name) reject(new Error(data)); lib.close(wso); },
    4: resolve,
  } });
  lib.connect(wso);
});
`;

describe('copies of the addon', () => {
  const binary =
    process.env.VERAWEBSOCKETS_BINARY ?? join(root, 'build', 'Release', 'verawebsockets.node');
  let folder: string;
  let plain: WsServer;
  let secure: WsServer;
  let args: Record<string, string>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vws-'));
    const copy = join(folder, 'copy.node');
    copyFileSync(binary, copy);
    plain = await startWsServer();
    secure = await startWsServer({ tls: true });
    args = { binary, copy, plain: plain.url, secure: secure.url, ca: certificates().caPath };
  });
  after(async () => {
    await Promise.all([plain.close(), secure.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const uses: [string, string][] = [
    ['the library loaded twice', 'const one = fresh(args.binary), two = fresh(args.binary);'],
    [
      'the binary loaded under two names',
      'const one = fresh(args.binary), two = fresh(args.copy);',
    ],
  ];
  for (const [name, load] of uses) {
    it(`${name}: both work at once, with TLS, and the process ends by itself`, async () => {
      const snippet = `${prelude}${load}
        Promise.all([
          talk(one, 'a', args.plain), talk(two, 'b', args.plain), talk(one, 'c', args.secure), talk(two, 'd', args.secure),
        ]).then(() => console.log('done'));
      `;
      const { stdout } = await expectExit(snippet, { args });
      assert.equal(stdout, 'done\n');
    });

    it(`${name}: the process exits while both are connected`, async () => {
      const snippet = `${prelude}${load}
        let open = 0;
        for (const lib of [one, two]) {
          const wso = lib.create({ url: args.plain, event_handlers: { 3() { if (++open === 2) process.exit(7); } } });
          lib.connect(wso);
        }
      `;
      await expectExit(snippet, { args, code: 7 });
    });
  }

  it('workers with a copy each', async () => {
    const worker = `${prelude}talk(fresh(binary), 'x', args.secure).catch((error) => { throw error; });`;
    const snippet = `
      const { Worker } = require('node:worker_threads');
      for (const binary of [args.binary, args.copy, args.binary, args.copy]) {
        const start = 'const args = ' + JSON.stringify(args) + ', libraryPath = ' + JSON.stringify(libraryPath) +
          ', binary = ' + JSON.stringify(binary) + ';';
        new Worker(start + ${JSON.stringify(worker)}, { eval: true, env: { ...process.env } })
          .once('exit', (code) => { if (code) process.exitCode = 3; });
      }
    `;
    await expectExit(snippet, { args });
  });
});
