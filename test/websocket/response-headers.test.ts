/** Headers of the server's response, as Node's parser joins them, whatever they are called. */
import { strict as assert } from 'node:assert';
import { HandshakeResponse } from '../../lib/client/handshake';
import { quickest } from '../support/quickest';

const responseWith = (...lines: string[]): HandshakeResponse =>
  new HandshakeResponse({ status: 401, statusText: 'No', headers: lines.join('\r\n') });

describe('WebSocket: headers of the response', () => {
  it('are joined by their rules, and there singly', () => {
    const { headers, headersDistinct, rawHeaders } = responseWith(
      'X-A: 1',
      'x-a: 2',
      'Cookie: a',
      'Cookie: b',
      'Set-Cookie: c',
      'Set-Cookie: d',
      'Age: 1',
      'Age: 2',
    );
    assert.deepEqual(headers, {
      'x-a': '1, 2',
      cookie: 'a; b',
      'set-cookie': ['c', 'd'],
      age: '1',
    });
    assert.deepEqual(headersDistinct, {
      'x-a': ['1', '2'],
      cookie: ['a', 'b'],
      'set-cookie': ['c', 'd'],
      age: ['1', '2'],
    });
    assert.deepEqual(rawHeaders.slice(0, 4), ['X-A', '1', 'x-a', '2']);
  });

  for (const name of ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__']) {
    it(`may be called ${name}`, () => {
      const { headers, headersDistinct } = responseWith(`${name}: 1`, `${name}: 2`);
      const own = (object: object): unknown =>
        Object.getOwnPropertyDescriptor(object, name.toLowerCase())?.value;
      assert.equal(own(headers), '1, 2');
      assert.deepEqual(own(headersDistinct), ['1', '2']);
    });
  }

  for (const name of ['a', 'set-cookie']) {
    it(`as many as fit, all called ${name}, do not hold up the thread`, () => {
      const lines = Array<string>(4000).fill(`${name}:`);
      // Linear: about 1 ms. With each list made anew for each line it would be 20 to 200 ms.
      const took = quickest(() => responseWith(...lines));
      assert.ok(took < 10, `${took} ms`);
    });
  }
});
