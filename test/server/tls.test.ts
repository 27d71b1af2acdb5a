/** TLS of a server's own listener, as Node's clients see it: names, certificates of both sides, tickets, OCSP. */
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { WebSocketServer, type ServerOptions, type WebSocket } from '../../lib';
import { certificates } from '../support/certificates';
import { text } from '../support/frames';
import { upgradeRequest } from './support/ways';

const { ca, server: own, client, strangerClient: other } = certificates();
const OWN = { cert: own.cert, key: own.key };
const MASK = { mask: Buffer.of(1, 2, 3, 4) };

/** What request.socket has over TLS. */
type Facts = Pick<
  TLSSocket,
  'authorized' | 'getProtocol' | 'getCipher' | 'getPeerCertificate' | 'encrypted'
> & {
  authorizationError: string | null;
  alpnProtocol: string | false;
  servername: string | false;
};

describe('server: TLS', () => {
  const servers: WebSocketServer[] = [];
  const peers: TLSSocket[] = [];

  async function start(options: ServerOptions): Promise<WebSocketServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...OWN, ...options });
    servers.push(server);
    await once(server, 'listening');
    return server;
  }

  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.destroy();
    for (const server of servers.splice(0)) {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  function dial(server: WebSocketServer, options: ConnectionOptions = {}): TLSSocket {
    const { port } = server.address() as AddressInfo;
    const peer = connect({ port, host: '127.0.0.1', ca, servername: 'localhost', ...options });
    peers.push(peer);
    return peer.on('error', () => undefined);
  }

  /** A WebSocket of a client: its TLS socket, and the server's socket and request. */
  async function open(
    server: WebSocketServer,
    options: ConnectionOptions = {},
  ): Promise<{ peer: TLSSocket; socket: WebSocket; facts: Facts }> {
    const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
    const peer = dial(server, options);
    peer.write(upgradeRequest());
    const [socket, request] = await connected;
    return { peer, socket, facts: request.socket as unknown as Facts };
  }

  /** With or without an error. */
  const closed = (peer: TLSSocket): Promise<void> =>
    new Promise((resolve) => peer.once('close', () => resolve()));

  const nameOf = (peer: TLSSocket): unknown => peer.getPeerCertificate().subject.CN;

  it('tells what was agreed on, and of the client’s certificate', async () => {
    const server = await start({ ca, requestCert: true });
    const { cert, key } = client;
    const { facts, peer } = await open(server, { cert, key, ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(facts.encrypted, true);
    assert.equal(facts.authorized, true);
    assert.equal(facts.authorizationError, null);
    assert.equal(facts.getProtocol(), peer.getProtocol());
    assert.equal(facts.getCipher().name, peer.getCipher().standardName);
    assert.equal(facts.alpnProtocol, 'http/1.1');
    assert.equal(peer.alpnProtocol, 'http/1.1');
    assert.equal(facts.servername, 'localhost');
    const mine = peer.getCertificate() as { fingerprint256: string };
    assert.equal(facts.getPeerCertificate().fingerprint256, mine.fingerprint256);
  });

  it('requestCert: a client without a certificate, and one that nobody has signed, do not get in', async () => {
    const server = await start({ ca, requestCert: true });
    server.on('connection', () => assert.fail('accepted'));
    for (const options of [{}, { cert: other.cert, key: other.key }]) {
      const peer = dial(server, options);
      peer.write(upgradeRequest());
      await closed(peer.resume());
    }
    assert.equal(server.stats.tlsFailures, 2);
  });

  it('rejectUnauthorized: false lets them in, and tells', async () => {
    const server = await start({ ca, requestCert: true, rejectUnauthorized: false });
    const without = (await open(server)).facts;
    assert.equal(without.authorized, false);
    assert.equal(without.authorizationError, null);
    assert.deepEqual(without.getPeerCertificate(), {});
    const unknown = (await open(server, { cert: other.cert, key: other.key })).facts;
    assert.equal(unknown.authorized, false);
    assert.match(String(unknown.authorizationError), /^[A-Z_]+$/);
    assert.notDeepEqual(unknown.getPeerCertificate(), {});
  });

  it('a client that offers other protocols only is refused', async () => {
    const server = await start({});
    await closed(dial(server, { ALPNProtocols: ['h2'] }));
    assert.equal(server.stats.tlsFailures, 1);
  });

  it('serverNames: the certificate of the name that is asked for', async () => {
    const theirs = { cert: client.cert, key: client.key };
    const server = await start({
      serverNames: { 'other.example': theirs, '*.example.com': theirs },
    });
    const seen: Record<string, unknown> = {};
    for (const servername of ['localhost', 'other.example', 'a.example.com', 'a.b.example.com']) {
      const peer = dial(server, { servername, rejectUnauthorized: false });
      await once(peer, 'secureConnect');
      seen[servername] = nameOf(peer);
    }
    const [one, two] = [seen['localhost'], seen['other.example']];
    assert.notEqual(one, two);
    assert.equal(seen['a.example.com'], two);
    assert.equal(seen['a.b.example.com'], one);
  });

  it('setSecureContext(): another certificate for who comes then, and the others go on', async () => {
    const server = await start({});
    const { peer, socket } = await open(server);
    const before = nameOf(peer);
    server.setSecureContext({ cert: client.cert, key: client.key });
    const later = dial(server, { rejectUnauthorized: false });
    await once(later, 'secureConnect');
    assert.notEqual(nameOf(later), before);
    const message = once(socket, 'message');
    peer.write(text('still here', MASK));
    assert.equal(String((await message)[0]), 'still here');
    // What cannot be used changes nothing.
    assert.throws(() => server.setSecureContext({ cert: own.cert, key: client.key }), Error);
    const last = dial(server, { rejectUnauthorized: false });
    await once(last, 'secureConnect');
    assert.equal(nameOf(last), nameOf(later));
  });

  it('setSecureContext() is for servers with a certificate', () => {
    const server = new WebSocketServer({ noServer: true });
    assert.throws(() => server.setSecureContext(OWN), TypeError);
    assert.throws(() => new WebSocketServer({ port: 0, key: own.key }), { name: 'TypeError' });
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    describe(`ticketKeys, ${version}`, () => {
      const KEYS = [randomBytes(48), randomBytes(48), randomBytes(48)] as const;

      /** The session that a client has after a message. */
      async function session(server: WebSocketServer): Promise<Buffer> {
        const peer = dial(server, { maxVersion: version });
        const given = once(peer, 'session') as Promise<[Buffer]>;
        peer.write(upgradeRequest());
        await once(peer, 'data');
        return (await given)[0];
      }

      async function resumes(server: WebSocketServer, session: Buffer): Promise<boolean> {
        const { peer } = await open(server, { maxVersion: version, session });
        return peer.isSessionReused();
      }

      it('are shared: a session of one server is resumed at another', async () => {
        const [one, two, stranger] = await Promise.all([
          start({ ticketKeys: KEYS[0] }),
          start({ ticketKeys: KEYS[0] }),
          start({ ticketKeys: KEYS[1] }),
        ]);
        const mine = await session(one as WebSocketServer);
        assert.equal(await resumes(two as WebSocketServer, mine), true);
        assert.equal(await resumes(stranger as WebSocketServer, mine), false);
      });

      it('rotate: old tickets are good as long as their key is in the list', async () => {
        const server = await start({ ticketKeys: KEYS[0] });
        const old = await session(server);
        server.setSecureContext({ ...OWN, ticketKeys: Buffer.concat([KEYS[1], KEYS[0]]) });
        assert.equal(await resumes(server, old), true);
        const young = await session(server);
        server.setSecureContext({ ...OWN, ticketKeys: Buffer.concat([KEYS[2], KEYS[1]]) });
        assert.equal(await resumes(server, old), false);
        assert.equal(await resumes(server, young), true);
      });
    });
  }

  it('ocspResponse: is stapled for a client that asks', async () => {
    const ocspResponse = randomBytes(500);
    const server = await start({ ocspResponse });
    const peer = dial(server, { requestOCSP: true } as ConnectionOptions);
    const [response] = (await once(peer, 'OCSPResponse')) as [Buffer];
    assert.deepEqual(response, ocspResponse);
  });

  it('minVersion and maxVersion: what is spoken', async () => {
    const server = await start({ maxVersion: 'TLSv1.2' });
    const { facts } = await open(server);
    assert.equal(facts.getProtocol(), 'TLSv1.2');
    await closed(dial(server, { minVersion: 'TLSv1.3' }));
    assert.equal(server.stats.tlsFailures, 1);
  });

  it('ciphers, honorCipherOrder and ecdhCurve', async () => {
    const [one, two] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'];
    const both = [one, two].map((name) => `${name}:${String(name).replace('ECDSA', 'RSA')}`);
    const server = await start({
      maxVersion: 'TLSv1.2',
      ciphers: [...both].reverse().join(':'),
      ecdhCurve: 'P-384',
    });
    const peer = dial(server, { ciphers: both.join(':'), ecdhCurve: 'P-256:P-384' });
    await once(peer, 'secureConnect');
    assert.match(peer.getCipher().name, /AES256/);
    assert.equal((peer.getEphemeralKeyInfo() as { name: string }).name, 'secp384r1');
  });
});
