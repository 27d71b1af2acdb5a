/** The body of a refusal, without its transfer coding, and whether it is all there. */
import { strict as assert } from 'node:assert';
import { bodyOf } from '../../lib/http-body';
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
        await connection.closed;
      });
      try {
        const socket = new WebSocket(server.url);
        const response = await new Promise<HandshakeResponse>((resolve) =>
          socket.once('unexpected-response', (request, answer) => {
            socket.once('error', () => {});
            request.destroy();
            resolve(answer);
          }),
        );
        let text = '';
        for await (const chunk of response) text += String(chunk);
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
