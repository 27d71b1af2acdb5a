/** The body of a refusal, without its transfer coding, and whether it is all there. */
import { strict as assert } from 'node:assert';
import { BodyDecoder, bodyOf } from '../../lib/base/http-body';
import { quickest } from '../support/quickest';
import { RawServer } from '../support/raw-server';
import { type HandshakeResponse, WebSocket } from '../../lib';

const CASES: [what: string, headers: string, raw: string, bytes: string, complete: boolean][] = [
  ['Content-Length', 'Content-Length: 5', 'hello', 'hello', true],
  ['more than Content-Length', 'X: y\r\ncontent-length:5', 'helloGET /', 'hello', true],
  ['less than Content-Length', 'Content-Length: 9', 'hello', 'hello', false],
  ['an empty one', 'Content-Length: 0', '', '', true],
  ['until the end', 'Server: x', 'hello', 'hello', false],
  ['chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n', 'hello!', true],
  ['both', 'Content-Length: 1\r\nTransfer-Encoding: chunked', '2\r\nhi\r\n0\r\n\r\n', 'hi', true],
  ['half a chunk', 'Transfer-Encoding: chunked', 'A\r\nhello', 'hello', false],
  ['chunks without the last', 'Transfer-Encoding: gzip, Chunked', '2\r\nhi\r\n', 'hi', false],
  ['half a size', 'Transfer-Encoding: chunked', '2\r\nhi\r\n1', 'hi', false],
  ['what is no chunk', 'Transfer-Encoding: chunked', '-1\r\nhi\r\n', '', false],
  ['another coding', 'Transfer-Encoding: gzip\r\nContent-Length: 2', 'xyz', 'xyz', false],
];

describe('the body of a refusal', () => {
  for (const [what, headers, raw, bytes, complete] of CASES) {
    it(what, () => {
      const body = bodyOf(401, headers, Buffer.from(raw));
      assert.deepEqual([String(body.bytes), body.complete], [bytes, complete]);
    });
  }

  for (const [what, headers, raw, bytes, complete] of CASES) {
    it(`${what}, byte by byte`, () => {
      const decoder = new BodyDecoder(401, headers);
      const pieces = Array.from(raw, (byte) => decoder.write(Buffer.from(byte)));
      assert.deepEqual([Buffer.concat(pieces).toString(), decoder.complete], [bytes, complete]);
    });
  }

  const malformed: [what: string, raw: string][] = [
    ['a size that is none', 'x'],
    ['a size without CR', '2\n'],
    ['a CR within a size', '2\r2'],
    ['a NUL in an extension', '2;a\0'],
    ['a control character in an extension', '2;a\x1b'],
    ['a size of nine digits', '123456789\r\n'],
    ['no line end behind a chunk', '2\r\nhiX'],
    ['a line end without CR behind a chunk', '2\r\nhi\n'],
    ['a trailer without CR', '0\r\nA: b\n'],
    ['an extension without end', `1;${'x'.repeat(16 * 1024)}`],
    ['a trailer without end', `0\r\n${'X: y\r\n'.repeat(4096)}`],
  ];
  for (const [what, raw] of malformed) {
    it(`malformed at once: ${what}`, () => {
      const decoder = new BodyDecoder(401, 'Transfer-Encoding: chunked');
      // A size that is no number shows at the end of its line at the latest.
      decoder.write(Buffer.from(what === 'a size that is none' ? `${raw}\r\n` : raw));
      assert.deepEqual([decoder.done, decoder.complete, decoder.end()], [true, false, false]);
      assert.equal(decoder.write(Buffer.from('2\r\nhi\r\n0\r\n\r\n')).length, 0);
    });
  }

  it('lengths that contradict each other end it with the connection', () => {
    const decoder = new BodyDecoder(401, 'Content-Length: 2\r\nContent-Length: 3');
    assert.equal(String(decoder.write(Buffer.from('hello'))), 'hello');
    assert.deepEqual([decoder.done, decoder.end(), decoder.done], [false, true, true]);
  });

  const LONG: [what: string, raw: string][] = [
    ['an extension of a chunk', `1;${'x'.repeat(16_000)}\r\n!\r\n`.repeat(4)],
    ['chunks of one byte', '1\r\n!\r\n'.repeat(10_000)],
    ['a trailer', `0\r\n${'x'.repeat(16_000)}\r\n`],
  ];
  for (const [what, raw] of LONG) {
    it(`does not hold up the thread, with as much as fits of ${what}`, () => {
      const bytes = Buffer.from(raw);
      const decode = (): Buffer => new BodyDecoder(401, 'Transfer-Encoding: chunked').write(bytes);
      assert.equal(decode().length, raw.split('!').length - 1);
      // Linear: 1 to 3 ms. A line that is looked at as a whole for each of its bytes takes 30 to 150 ms.
      const took = quickest(decode);
      assert.ok(took < 15, `${took} ms`);
    });
  }

  it('chunks may be cut anywhere', () => {
    const raw = Buffer.from('5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\nmore');
    for (let first = 0; first <= raw.length; ++first) {
      for (let second = first; second <= raw.length; ++second) {
        const decoder = new BodyDecoder(401, 'Transfer-Encoding: chunked');
        const pieces = [raw.subarray(0, first), raw.subarray(first, second), raw.subarray(second)];
        const body = Buffer.concat(pieces.map((piece) => decoder.write(piece)));
        assert.deepEqual([String(body), decoder.complete], ['hello!', true], `${first} ${second}`);
      }
    }
  });

  it('random chunks never hang, and never give more than they have', () => {
    let seed = 1;
    const random = (below: number): number =>
      (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    const right = Buffer.from('4;a=b\r\nbody\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n');
    for (let round = 0; round < 20_000; round++) {
      const raw = Buffer.from(right);
      for (let i = random(3); i > 0; i--) raw[random(raw.length)] = random(256);
      const cut = random(raw.length);
      const whole = new BodyDecoder(200, 'Transfer-Encoding: chunked');
      const bytes = whole.write(raw);
      const cutOff = new BodyDecoder(200, 'Transfer-Encoding: chunked');
      const pieces = [cutOff.write(raw.subarray(0, cut)), cutOff.write(raw.subarray(cut))];
      assert.deepEqual(Buffer.concat(pieces), bytes);
      assert.deepEqual([whole.done, whole.complete], [cutOff.done, cutOff.complete]);
      assert.ok(bytes.length <= raw.length);
    }
  });

  it('statuses that have none', () => {
    for (const status of [204, 304]) {
      assert.deepEqual(bodyOf(status, 'Content-Length: 5', Buffer.from('hello')), {
        bytes: Buffer.alloc(0),
        complete: true,
      });
    }
  });

  for (const [what, last, complete] of [
    ['whole', '0\r\n\r\n', true],
    ['cut off', '', false],
  ] as const) {
    it(`in chunks, ${what}: unexpected-response and the error have it`, async () => {
      const server = await RawServer.listen(async (connection) => {
        await connection.readRequest();
        connection.write(
          'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n' +
            `4\r\nnot \r\n3\r\nyou\r\n${last}`,
        );
        if (!complete) connection.end();
        await connection.closed;
      });
      try {
        const socket = new WebSocket(server.url);
        let text = '';
        const response = await new Promise<HandshakeResponse>((resolve) =>
          socket.once('unexpected-response', (request, answer) => {
            if (complete) request.destroy();
            answer.on('data', (chunk) => (text += String(chunk)));
            answer.on('close', () => resolve(answer));
          }),
        );
        assert.deepEqual([text, response.complete], ['not you', complete]);

        const error = await new Promise<Error & { body?: Buffer }>((resolve) =>
          new WebSocket(server.url).once('error', resolve),
        );
        assert.equal(String(error.body), 'not you');
      } finally {
        await server.close();
      }
    });
  }
});
