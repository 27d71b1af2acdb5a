/**
 * Every code that docs/errors.md says a call throws, from the public call. A code that only native code's own tests
 * get to see, since the call refuses the same before, does not belong into the document.
 */
import { strict as assert } from 'node:assert';
import { Agent } from 'node:https';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { root } from '../support/root';
import {
  close,
  configure,
  connect,
  create,
  send,
  set_log_level,
  WebSocket,
  WebSocketServer,
  type ClientOptions,
  type WebSocketObject,
} from '../../lib';

const url = 'ws://127.0.0.1:1';

/** An object that is connecting, for a moment. */
function during(use: (wso: WebSocketObject) => void, more: Record<string, unknown> = {}): void {
  const wso = create({ url, event_handlers: { 1() {}, 3() {} }, ...more });
  connect(wso);
  try {
    use(wso);
  } finally {
    close(wso);
  }
}

const secure =
  (options: ClientOptions): (() => void) =>
  () =>
    void new WebSocket('wss://127.0.0.1:1', options);

const certs = certificates;

/** In a process of its own: what the snippet prints is the code. */
const printed = (snippet: string) => async (): Promise<void> => {
  const { stdout } = await expectExit(snippet, { args: { port: await freePort() } });
  throw Object.assign(new Error('as printed'), { code: stdout.trim() });
};
const caught = (call: string): string =>
  `try { ${call} } catch (error) { console.log(error.code); }`;
const alone = `const wso = (handler) => lib.connect(lib.create({
  url: 'ws://127.0.0.1:' + args.port, standalone: true, event_handlers: { 1: handler },
}));`;

const CALLS: Record<string, () => unknown> = {
  ERR_INVALID_ARG_TYPE: () => create({ url: 1 as unknown as string }),
  ERR_INVALID_ARG_VALUE: secure({ fingerprint256: 'ab' }),
  ERR_OUT_OF_RANGE: () => set_log_level(-1),
  ERR_SOCKET_BAD_PORT: () => new WebSocketServer({ port: 65_536 }),
  ERR_TLS_TICKET_KEYS: () =>
    new WebSocketServer({ port: 0, ...certs().server, ticketKeys: Buffer.alloc(47) }),
  ERR_TLS_ECDH_CURVE: () =>
    new WebSocketServer({ port: 0, ...certs().server, ecdhCurve: 'nonsense' }),
  ERR_INVALID_PROTOCOL: () => new WebSocket(url, { agent: new Agent() }),
  ERR_INVALID_URL: () => create({ url: 'nowhere' }),
  ERR_UNKNOWN_OPTION: () => create({ url, nonsense: 1 } as never),
  ERR_UNSUPPORTED_OPTION: () => new WebSocket(url, { proxy: 'https://127.0.0.1:1' }),
  ERR_UNKNOWN_EVENT: () => create({ url, event_handlers: { 2() {} } as never }),
  ERR_FILE_UNREADABLE: () =>
    create({ url: 'wss://127.0.0.1:1', ssl_settings: { client_ssl_ca_filepath: '/nowhere/ca' } }),
  ERR_HANDLER_NOT_FOUND: printed(`${alone} wso('nobody'); ${caught('lib.loop();')}`),
  ERR_ALREADY_CONNECTED: () => during((wso) => connect(wso)),
  ERR_CLOSED: () =>
    during((wso) => {
      close(wso);
      send(wso, 'x');
    }),
  ERR_SEND_LIMIT: () => during((wso) => send(wso, 'x'.repeat(20)), { sendLimit: 10 }),
  ERR_LOOP_RUNNING: printed(
    `${alone} wso(() => {}); process.nextTick(() => { ${caught('lib.loop();')} }); lib.loop();`,
  ),
  ERR_LOOP_IN_HANDLER: printed(`${alone} wso(() => { ${caught('lib.loop();')} }); lib.loop();`),
  ERR_ENGINE_STARTED: () => {
    during(() => {});
    configure({ service: 'thread' });
  },
  ERR_NOT_OPEN: () => {
    const socket = new WebSocket(url);
    socket.on('error', () => {});
    socket.send('x');
  },
  ERR_NO_SERVER: () => void new WebSocket(null).topics,
  ERR_TLS_CERT_INVALID: secure({ cert: 'no certificate', key: certs().client.key }),
  ERR_TLS_KEY_INVALID: secure({ cert: certs().client.cert, key: 'no key' }),
  ERR_TLS_CA_INVALID: secure({ ca: 'no root' }),
  ERR_TLS_PFX_INVALID: secure({ pfx: Buffer.from('no PKCS #12') }),
  ERR_TLS_KEY_MISSING: secure({ cert: certs().client.cert }),
  ERR_TLS_CERT_MISSING: secure({ key: certs().client.key }),
  ERR_TLS_KEY_MISMATCH: secure({ cert: certs().client.cert, key: certs().stranger.key }),
  ERR_TLS_PASSPHRASE: secure({ cert: certs().client.cert, key: certs().encryptedKey }),
  ERR_TLS_CIPHERS: secure({ ciphers: 'NONSENSE' }),
  ERR_TLS_VERSION: secure({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }),
};

/** What needs more than a call, and the test that has it. */
const ELSEWHERE: Record<string, string> = {
  ERR_BROKER_IN_USE: 'brokers/redis.test.ts',
  ERR_BROKER_LOST: 'brokers/broker.test.ts',
  ERR_BROKER_MESSAGE: 'brokers/broker.test.ts',
  ERR_BROKER_ROLE: 'brokers/cluster.test.ts',
  ERR_ENGINE_START: 'lifetime/descriptors.test.ts',
  ERR_NO_BINARY: 'api/rare-errors.test.ts',
  ERR_NOT_SENT: 'websocket/messages.test.ts',
  ERR_INVALID_UTF8: 'websocket/messages.test.ts',
  ERR_FEATURE_UNAVAILABLE: 'api/runtime.test.ts',
  ERR_TLS_FIPS: 'websocket/node-tls.test.ts',
  ERR_TLS_PFX_UNSUPPORTED: 'api/rare-errors.test.ts',
};

/** See errors-tested.test.ts. */
const CANNOT_BE_MADE = ['ERR_TLS_OUT_OF_MEMORY'];

describe('docs/errors.md: what a call throws', () => {
  const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## Errors that a call throws'));
  // In the first column.
  const documented = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) =>
    [...(cell as string).matchAll(/`(ERR_\w+)`/g)].map(([, code]) => code as string),
  );

  it('is what is called here, or has a test elsewhere', () => {
    const known = [...Object.keys(CALLS), ...Object.keys(ELSEWHERE), ...CANNOT_BE_MADE];
    assert.deepEqual([...documented].sort(), known.sort());
    for (const [code, file] of Object.entries(ELSEWHERE)) {
      const source = readFileSync(join(root, 'test', file), 'utf8');
      assert.ok(source.includes(code), `${code} in ${file}`);
    }
  });

  for (const [code, call] of Object.entries(CALLS)) {
    it(code, async () => {
      await assert.rejects(
        async () => await call(),
        (error: NodeJS.ErrnoException) => {
          assert.equal(error.code, code, error.stack);
          return true;
        },
      );
    });
  }
});
