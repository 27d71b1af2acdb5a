/**
 * Every documented reason of event 1 that a server or the network can provoke, provoked.
 */
import { strict as assert } from 'node:assert';
import { send } from '../../lib';
import { Attempt, type Failure } from '../support/attempt';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { RawServer, type RawConnection } from '../support/raw-server';
import { certificates } from '../support/certificates';
import { documentedReasons } from './documented';
import { rows } from './cases';
import type { Row } from './row';

/** Runs a row; returns what event 1 said. */
async function provoke(row: Row): Promise<Failure> {
  const server = await RawServer.listen(row.script ?? (() => {}), row.server);
  try {
    const options = typeof row.options === 'function' ? row.options(server.port) : row.options;
    const url = row.url?.replace('{port}', String(server.port)) ?? server.url;
    const attempt = new Attempt(url, options, row.ssl).connect();
    const failure = await attempt.failure();
    // Whatever still comes would come within the turns that the server needs to see the end.
    await server.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      attempt.events.map(({ id }) => id),
      [1],
      'event 1 once, and nothing else',
    );
    return failure;
  } finally {
    await server.close().catch(() => {});
  }
}

describe('reasons of event 1', () => {
  const all = rows();

  for (const row of all) {
    it(`${row.reason}: ${row.how}`, async () => {
      const failure = await provoke(row);
      assert.equal(failure.reason, row.reason);
      if (typeof row.code === 'string') assert.equal(failure.code, row.code);
      else assert.match(failure.code, row.code);
      assert.equal(failure.status, row.status);
      assert.equal(typeof failure.detail, 'string');
      assert.notEqual(failure.detail, '');
      if (row.detail) assert.match(failure.detail, row.detail);
      assert.ok(failure instanceof Error);
      assert.ok(failure.message.includes(row.reason), failure.message);
    });
  }

  it('insert wsi failed: no descriptor is left', async () => {
    const server = await RawServer.listen(() => {});
    try {
      const { stdout } = await expectExit(
        `
        const fs = require('node:fs');
        const open = [];
        const attempt = (report) => {
          const wso = lib.create({ url: args.url, event_handlers: { 1: (reason, error) => report(error), 3() {} } });
          lib.connect(wso);
        };
        // The first attempt starts the engine, whose own descriptors must be there.
        attempt(() => {
          try { for (;;) open.push(fs.openSync('/dev/null')); } catch {}
          attempt((error) => {
            for (const fd of open) fs.closeSync(fd);
            console.log(JSON.stringify([error.reason, error.code]));
          });
        });
        `,
        { args: { url: `ws://127.0.0.1:${await freePort()}/` }, limit: 'ulimit -n 128' },
      );
      assert.deepEqual(JSON.parse(stdout), ['insert wsi failed', 'EMFILE']);
    } finally {
      await server.close();
    }
  });

  it('are provoked for at least 24 of the 35', () => {
    const provoked = new Set(all.map(({ reason }) => reason)).add('insert wsi failed');
    for (const reason of provoked)
      assert.ok(documentedReasons.includes(reason), `${reason} is not documented`);
    // "HS: OOM" stands twice in the list, but is provoked as one.
    assert.equal(documentedReasons.length, 35);
    assert.ok(provoked.size >= 24, String(provoked.size));
  });

  it('are told apart by code', () => {
    const codes = new Map<string, Set<string>>();
    for (const { reason, code } of all) {
      if (!reason.startsWith('HS: ') || typeof code !== 'string') continue;
      codes.set(code, (codes.get(code) ?? new Set()).add(reason));
    }
    for (const [code, reasons] of codes)
      assert.equal(reasons.size, 1, `${code}: ${[...reasons].join(', ')}`);
  });
});

describe('failures outside the documented list', () => {
  const fails = async (
    url: string,
    options: Record<string, unknown> = {},
    ssl = {},
  ): Promise<Failure> => {
    const attempt = new Attempt(url, options, ssl).connect();
    return attempt.failure();
  };

  it('a refused connection', async () => {
    const failure = await fails(`ws://127.0.0.1:${await freePort()}/`);
    assert.equal(failure.code, 'ECONNREFUSED');
    assert.notEqual(failure.reason, '');
    assert.match(failure.message, /127\.0\.0\.1/);
  });

  it('a refused connection, IPv6', async () => {
    assert.equal((await fails(`ws://[::1]:${await freePort('::1')}/`)).code, 'ECONNREFUSED');
  });

  it('a host with addresses that all refuse', async () => {
    assert.equal((await fails(`ws://localhost:${await freePort()}/`)).code, 'ECONNREFUSED');
  });

  it('no unix socket there', async () => {
    assert.equal((await fails('ws+unix:/nonexistent/socket')).code, 'ENOENT');
  });

  const silences: [string, (connection: RawConnection) => void | Promise<void>, boolean][] = [
    ['nothing at all', () => {}, false],
    [
      'half a handshake',
      async (c) => {
        await c.readRequest();
        c.write('HTTP/1.1 101 Switching Pro');
      },
      false,
    ],
    [
      'a handshake without an end',
      async (c) => {
        await c.readRequest();
        c.write('HTTP/1.1 101 X\r\nUpgrade: websocket\r\n');
      },
      false,
    ],
    ['nothing at all to a TLS client', () => {}, true],
    [
      'half a TLS record',
      (c) => {
        c.write(Buffer.from([0x16, 3, 3, 0, 200, 2]));
      },
      true,
    ],
  ];
  for (const [what, script, secure] of silences) {
    it(`a timeout: the server sends ${what}`, async () => {
      const server = await RawServer.listen(script);
      try {
        const scheme = secure ? 'wss' : 'ws';
        const begun = Date.now();
        const failure = await fails(`${scheme}://127.0.0.1:${server.port}/`, {
          handshakeTimeout: 100,
        });
        const took = Date.now() - begun;
        assert.equal(failure.code, 'ERR_HANDSHAKE_TIMEOUT');
        assert.notEqual(failure.reason, '');
        assert.ok(took >= 95 && took < 5000, String(took));
      } finally {
        await server.close();
      }
    });
  }

  it('a timeout: the server drips a header at a time', async () => {
    let drip: NodeJS.Timeout | undefined;
    const server = await RawServer.listen(async (connection) => {
      await connection.readRequest();
      connection.write('HTTP/1.1 101 Switching Protocols\r\n');
      drip = setInterval(() => connection.write('X-Drip: 1\r\n'), 10);
    });
    try {
      assert.equal(
        (await fails(server.url, { handshakeTimeout: 150 })).code,
        'ERR_HANDSHAKE_TIMEOUT',
      );
    } finally {
      clearInterval(drip);
      await server.close();
    }
  });

  it('a timeout: the proxy says nothing', async () => {
    const server = await RawServer.listen(() => {});
    try {
      for (const scheme of ['http', 'socks5']) {
        const failure = await fails('ws://localhost:9/', {
          handshakeTimeout: 100,
          proxy: `${scheme}://127.0.0.1:${server.port}`,
        });
        assert.equal(failure.code, 'ERR_HANDSHAKE_TIMEOUT', scheme);
      }
    } finally {
      await server.close();
    }
  });

  it('a message sent before the connection failed: event 1 reports it, nothing is thrown later', async () => {
    const attempt = new Attempt(`ws://127.0.0.1:${await freePort()}/`).connect();
    send(attempt.wso, 'queued');
    assert.equal((await attempt.failure()).code, 'ECONNREFUSED');
    assert.throws(
      () => send(attempt.wso, 'too late'),
      (error: Failure) => typeof error.code === 'string',
    );
  });

  it('connect() again after event 1', async () => {
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      await connection.readFrame();
      connection.end();
    });
    server.next((connection) => connection.end());
    try {
      const attempt = new Attempt(server.url).connect();
      assert.equal((await attempt.failure()).reason, 'Peer hung up');
      attempt.connect();
      await attempt.seen(3);
      await attempt.finish();
      assert.deepEqual(
        attempt.events.map(({ id }) => id).filter((id) => id !== 38),
        [1, 3, 4],
      );
    } finally {
      await server.close();
    }
  });

  it('a certificate is not verified where that was switched off', async () => {
    const script = async (connection: RawConnection): Promise<void> => {
      await connection.accept();
      await connection.readFrame();
      connection.end();
    };
    const server = await RawServer.listen(script, { tls: certificates().selfSigned });
    try {
      const attempt = new Attempt(server.url, {}, { reject_unauthorized: false }).connect();
      await attempt.established();
      await attempt.finish();
    } finally {
      await server.close();
    }
  });
});
