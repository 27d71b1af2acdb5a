/** What breaks an open connection: the error's code, its close code on the wire, and what the socket says. */
import { strict as assert } from 'node:assert';
import { endSockets, failure, open } from './support/sockets';
import { Child, expectExit } from '../support/child';
import { close, continuation, frame, Opcode, text } from '../support/frames';
import { RawServer } from '../support/raw-server';
import type { ClientOptions } from '../../lib';

interface Row {
  code: string;
  closeCode: number;
  what: string;
  send: Buffer;
  options?: ClientOptions;
  extensions?: string;
}

const deflated: Pick<Row, 'options' | 'extensions'> = {
  options: { perMessageDeflate: true },
  extensions: 'permessage-deflate',
};

const ROWS: Row[] = [
  {
    code: 'WS_ERR_UNEXPECTED_RSV_1',
    closeCode: 1002,
    what: 'RSV1 without an extension',
    send: text('x', { rsv: 4 }),
  },
  {
    code: 'WS_ERR_UNEXPECTED_RSV_2_3',
    closeCode: 1002,
    what: 'RSV2',
    send: text('x', { rsv: 2 }),
  },
  {
    code: 'WS_ERR_INVALID_OPCODE',
    closeCode: 1002,
    what: 'opcode 3',
    send: frame({ opcode: 3 }),
  },
  {
    code: 'WS_ERR_INVALID_OPCODE',
    closeCode: 1002,
    what: 'a continuation of nothing',
    send: continuation('x'),
  },
  {
    code: 'WS_ERR_EXPECTED_FIN',
    closeCode: 1002,
    what: 'a ping in fragments',
    send: frame({ opcode: Opcode.Ping, fin: false }),
  },
  {
    code: 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    closeCode: 1002,
    what: 'a ping of 126 bytes',
    send: frame({ opcode: Opcode.Ping, payload: Buffer.alloc(126) }),
  },
  {
    code: 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    closeCode: 1002,
    what: 'a Close frame of one byte',
    send: frame({ opcode: Opcode.Close, payload: Buffer.alloc(1) }),
  },
  {
    code: 'WS_ERR_UNEXPECTED_MASK',
    closeCode: 1002,
    what: 'a masked frame',
    send: text('x', { mask: Buffer.from([1, 2, 3, 4]) }),
  },
  {
    code: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    closeCode: 1009,
    what: 'a length of 2^53',
    send: frame({ opcode: Opcode.Binary, lengthForm: 127, claimedLength: 2n ** 53n }),
    options: { maxPayload: 0 },
  },
  {
    code: 'WS_ERR_INVALID_CLOSE_CODE',
    closeCode: 1002,
    what: 'close code 1005',
    send: close(1005),
  },
  {
    code: 'WS_ERR_INVALID_UTF8',
    closeCode: 1007,
    what: 'text that is not UTF-8',
    send: text(Buffer.from([0xff])),
  },
  {
    code: 'WS_ERR_INVALID_UTF8',
    closeCode: 1007,
    what: 'a reason that is not UTF-8',
    send: close(1000, Buffer.from([0xff])),
  },
  {
    code: 'WS_ERR_INVALID_COMPRESSED_DATA',
    closeCode: 1007,
    what: 'a block of a type there is not',
    send: text(Buffer.from([0x07]), { rsv: 4 }),
    ...deflated,
  },
  {
    code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    closeCode: 1008,
    what: 'three fragments of two',
    send: Buffer.concat([
      text('a', { fin: false }),
      continuation('b', { fin: false }),
      continuation('c'),
    ]),
    options: { maxFragments: 2 },
  },
  {
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    closeCode: 1009,
    what: 'more than maxPayload',
    send: text('x'.repeat(11)),
    options: { maxPayload: 10 },
  },
];

describe('WebSocket: breaches of the protocol', () => {
  afterEach(endSockets);

  for (const { code, closeCode, what, send, options, extensions } of ROWS) {
    it(`${what}: ${code}, ${closeCode}`, async () => {
      let sent: number | undefined;
      let played: Promise<void> | undefined;
      const server = await RawServer.listen((connection) => {
        const script = async (): Promise<void> => {
          await connection.accept(extensions ? { extensions } : {});
          connection.write(send);
          sent = (await connection.readFrame())?.closeCode;
          connection.end();
        };
        return (played = script());
      });
      try {
        const error = await failure(open(server.url, { perMessageDeflate: false, ...options }));
        await played;
        assert.equal(error.code, code);
        assert.equal((error as { closeCode?: number }).closeCode, closeCode);
        assert.equal(error.name, 'WebSocketError');
        assert.equal(sent, closeCode);
      } finally {
        await server.close();
      }
    });
  }
});

describe('WebSocket: what was answered before a breach of the protocol goes out before the Close frame', () => {
  /** Echoes, each message with much behind it, so that not all can be written at once. */
  const client = `
    lib.configure({ service: args.service });
    const socket = new lib.WebSocket(args.url, { rejectUnauthorized: false });
    socket.on('message', (data) => {
      socket.send(String(data));
      socket.send(Buffer.alloc(1_000_000));
    });
    socket.on('error', (error) => console.log(error.code));
    socket.on('close', (code) => console.log(code));
  `;

  for (const service of ['adaptive', 'thread', 'loop']) {
    for (const tls of [false, true]) {
      it(`service '${service}'${tls ? ', TLS' : ''}`, async () => {
        const sent: (string | number)[] = [];
        const server = await RawServer.listen(
          async (connection) => {
            const broken = [text('one'), text('two'), frame({ opcode: 3 }), text('three')];
            await connection.accept({ then: Buffer.concat(broken) });
            for (;;) {
              const { opcode, payload, closeCode } = (await connection.readFrame()) ?? {};
              if (opcode === undefined) break;
              sent.push(
                opcode === Opcode.Text ? String(payload) : (closeCode ?? payload?.length ?? 0),
              );
              if (opcode === Opcode.Close) connection.end();
            }
          },
          tls ? { tls: true } : {},
        );
        try {
          const { stdout } = await expectExit(client, { args: { url: server.url, service } });
          assert.equal(stdout, 'WS_ERR_INVALID_OPCODE\n1006\n');
          assert.deepEqual(sent, ['one', 1_000_000, 'two', 1_000_000, 1002]);
        } finally {
          await server.close();
        }
      });
    }
  }

  it('while JavaScript is blocked: the Close frame goes out after closeTimeout', async () => {
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(text('block'));
      connection.write(frame({ opcode: 3 }));
      const first = await connection.readFrame();
      assert.equal(first?.closeCode, 1002);
      child.write('\n');
      connection.end();
    });
    const child = new Child(
      `const socket = new lib.WebSocket(args.url, { closeTimeout: 100 });
       socket.on('message', () => require('node:fs').readSync(0, Buffer.alloc(1)));
       socket.on('error', (error) => console.log(error.code));`,
      { args: { url: server.url } },
    );
    try {
      assert.equal((await child.ended).stdout, 'WS_ERR_INVALID_OPCODE\n');
    } finally {
      child.kill();
      await server.close();
    }
  });
});
