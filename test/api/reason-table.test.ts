/** From the engines' words to documented reasons and codes. */
import { strict as assert } from 'node:assert';
import { ConnectionError } from '../../lib/options/errors';
import { DOCUMENTED_REASONS, finishFailure } from '../../lib/addon/reasons';
import { documentedReasons } from '../reasons/documented';

const engine = (reason: string, more: object = {}): ReturnType<typeof finishFailure> =>
  finishFailure({ code: 'ENGINE', reason, detail: '', ...more });

describe('the table of reasons', () => {
  it('has the documented reasons, in their order', () => {
    assert.deepEqual(
      DOCUMENTED_REASONS.map(({ reason }) => reason),
      documentedReasons,
    );
  });

  it('has a code of its own for every reason of the handshake', () => {
    const handshake = new Map(
      DOCUMENTED_REASONS.filter(({ reason }) => reason.startsWith('HS: ')).map(
        ({ reason, code }) => [reason, code],
      ),
    );
    assert.equal(new Set(handshake.values()).size, handshake.size);
  });

  for (const { reason, words416, words242 } of DOCUMENTED_REASONS) {
    for (const words of new Set([reason, ...words416, ...words242])) {
      it(`"${words}" is "${reason}"`, () => {
        const finished = engine(words);
        assert.equal(finished.reason, reason);
        assert.match(finished.code, /^E[A-Z_]+$/);
        assert.notEqual(finished.code, 'ENGINE');
        assert.equal(finished.detail, words);
      });
    }
  }

  it('tells a Connection header that is absent from one that is wrong, as 4.1.6 does not', () => {
    const words = 'HS: UPGRADE malformed';
    assert.equal(engine(words, { headers: 'Connection: close' }).reason, words);
    assert.equal(engine(words, { headers: 'X: y\r\nCONNECTION :x' }).reason, words);
    const missing = engine(words, { headers: 'Upgrade: websocket\r\nX-Connection: a' });
    assert.equal(missing.reason, 'HS: CONNECTION missing');
    assert.equal(missing.code, 'ERR_CONNECTION_HEADER_MISSING');
    assert.equal(missing.detail, words);
  });

  it('knows what an SSL error of 4.1.6 looks like', () => {
    for (const words of [
      'connect SSL err 1: error:00000001',
      'connect SYSCALL 104',
      "server's cert didn't look good, X509_V_ERR = 18: x",
    ]) {
      const finished = engine(words);
      assert.equal(finished.reason, 'lws_ssl_client_connect2 failed');
      assert.equal(finished.code, 'ERR_TLS_HANDSHAKE');
      assert.equal(finished.detail, words);
    }
  });

  it('passes words through that it does not know', () => {
    const finished = engine('something new', { status: 418 });
    assert.deepEqual(finished, {
      code: 'ERR_CONNECTION_FAILED',
      reason: 'something new',
      detail: 'something new',
      status: 418,
    });
    assert.equal(engine('').code, 'ERR_STATUS_LINE_MISSING');
    assert.equal(engine('', { status: 200 }).reason, 'connection failed');
  });

  it('keeps the code of a failure of the network, which knows more than its reason', () => {
    const failure = {
      code: 'ECONNREFUSED',
      reason: 'connect failed',
      detail: 'connect ECONNREFUSED 127.0.0.1:1',
    };
    assert.deepEqual(finishFailure(failure), failure);
    assert.equal(
      finishFailure({ ...failure, code: 'EAI_AGAIN', reason: 'getaddrinfo (ipv4) failed' }).code,
      'EAI_AGAIN',
    );
  });

  it('gives failures of the handshake the code of their reason, but for finer ones', () => {
    const of = (code: string, reason: string): string =>
      finishFailure({ code, reason, detail: 'd' }).code;
    assert.equal(of('ERR_SOMETHING', 'HS: ws upgrade unauthorized'), 'ERR_HTTP_STATUS');
    assert.equal(of('ERR_HEADER_OVERFLOW', 'HS: OOM'), 'ERR_HEADER_OVERFLOW');
    assert.equal(
      of('ERR_WS_EXTENSION_UNEXPECTED', 'HS: EXT: unknown ext'),
      'ERR_EXTENSION_UNKNOWN',
    );
    assert.equal(
      of('ERR_WS_EXTENSION_PARAMETER_TOO_LARGE', 'HS: EXT: Rejects server options'),
      'ERR_EXTENSION_REFUSED',
    );
  });
});

describe('ConnectionError', () => {
  it('carries what is known', () => {
    const failure = {
      code: 'ERR_HTTP_STATUS',
      reason: 'HS: ws upgrade response not 101',
      detail: 'HS: ws upgrade unauthorized',
      status: 401,
      statusText: 'Unauthorized',
      headers: 'X: y',
      body: Buffer.from('no'),
      location: '/x',
      closeCode: 1002,
      errno: 'EX',
      address: '127.0.0.1',
      port: 1,
    };
    const error = new ConnectionError(failure, { url: 'ws://host/', unsent: 2, cause: 'why' });
    const { name, message, url, unsent, cause, ...rest } = error;
    assert.equal(name, 'ConnectionError');
    assert.equal(
      message,
      'ws://host/: HS: ws upgrade response not 101: HS: ws upgrade unauthorized (2 queued messages not sent)',
    );
    assert.deepEqual({ url, unsent, cause }, { url: 'ws://host/', unsent: 2, cause: 'why' });
    assert.deepEqual(rest, failure);
    assert.ok(error instanceof Error);
    assert.match(String(error.stack), /^ConnectionError: /);
  });

  it('has no properties for what is not', () => {
    const error = new ConnectionError({ code: 'C', reason: 'same', detail: 'same' });
    assert.equal(error.message, 'same');
    assert.deepEqual(Object.keys(error).sort(), ['code', 'detail', 'reason']);
  });
});
