/** Sec-WebSocket-Protocol and Sec-WebSocket-Extensions as a server reads them, compared with ws's own reading. */
import { strict as assert } from 'node:assert';
import * as ws from 'ws';
import { accept, agreed } from '../../lib/server/deflate';
import * as extension from '../../lib/base/extension';
import * as subprotocol from '../../lib/server/subprotocol';

/** Not in `@types/ws` yet. */
interface Helpers {
  subprotocol: { parse(header: string): Set<string> };
  extension: { parse(header: string): object; format(extensions: object): string };
}
const theirs = ws as unknown as Helpers;

function outcome<T>(run: () => T): T | 'refused' {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return 'refused';
  }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe('server: Sec-WebSocket-Protocol', () => {
  const headers = [
    'foo',
    'foo,bar',
    'foo , bar,baz\t',
    ' foo',
    'foo,foo',
    'foo,,bar',
    'foo,',
    ',foo',
    '',
    ' ',
    'foo bar',
    'föö',
    'a/b',
    'a\0b',
    'constructor,__proto__',
  ];
  for (const header of headers) {
    it(`${JSON.stringify(header)} is read as ws reads it`, () => {
      const expected = outcome(() => [...theirs.subprotocol.parse(header)]);
      assert.deepEqual(
        outcome(() => [...subprotocol.parse(header)]),
        expected,
      );
    });
  }

  it('a long value takes time in proportion to its length', () => {
    const blanks = ' '.repeat(200_000);
    const began = process.cpuUsage();
    assert.equal(
      outcome(() => subprotocol.parse(`a${blanks}b`)),
      'refused',
    );
    assert.ok(process.cpuUsage(began).user < 1_000_000);
  });
});

describe('server: Sec-WebSocket-Extensions', () => {
  const headers = [
    'foo',
    'foo,bar;baz=qux',
    'foo; bar; baz="1"; bar=2, foo',
    'foo ; bar = 1\t, baz',
    'foo;bar="a\\b"',
    'constructor',
    '__proto__; toString=1, hasOwnProperty',
    'foo;',
    'foo;bar=',
    'foo;bar="',
    'foo;bar="a',
    'foo;bar="a b"',
    'foo;bar=""',
    'foo bar',
    ';foo',
    'foo,',
    '',
  ];
  for (const header of headers) {
    it(`${JSON.stringify(header)} is read as ws reads it`, () => {
      const expected = outcome(() => plain(theirs.extension.parse(header)));
      assert.deepEqual(
        outcome(() => plain(extension.parse(header))),
        expected,
      );
    });
  }

  it('an unclosed quote takes time in proportion to its length', () => {
    const began = process.cpuUsage();
    const header = `foo;bar="${'\\a'.repeat(100_000)}`;
    assert.equal(
      outcome(() => extension.parse(header)),
      'refused',
    );
    assert.ok(process.cpuUsage(began).user < 1_000_000);
  });

  it('format() writes what parse() reads', () => {
    const value = 'foo; a; b=1, foo, bar; c=x';
    const offers = extension.parse(value);
    assert.equal(extension.format(offers), value);
    assert.equal(theirs.extension.format(offers), value);
  });
});

describe('server: offers of permessage-deflate', () => {
  const take = (header: string, options: Parameters<typeof accept>[1] = {}): string => {
    const offers = extension.parse(header)['permessage-deflate'] ?? [];
    try {
      return agreed(accept(offers, options))
        .answer.replace('permessage-deflate', '')
        .replace(/^; /, '');
    } catch (error) {
      return (error as Error).message;
    }
  };
  const D = 'permessage-deflate';
  const none = 'None of the extension offers can be accepted';

  it('the answer has what was asked and what we ask', () => {
    assert.equal(take(D), '');
    assert.equal(take(`${D}; client_max_window_bits`), '');
    assert.equal(take(`${D}; client_max_window_bits=10`), 'client_max_window_bits=10');
    assert.equal(take(`${D}; server_max_window_bits=9`), 'server_max_window_bits=9');
    assert.equal(
      take(`${D}; server_no_context_takeover; client_no_context_takeover`),
      'server_no_context_takeover; client_no_context_takeover',
    );
    assert.equal(
      take(`${D}; client_max_window_bits`, {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 12,
        clientMaxWindowBits: 11,
      }),
      'server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=11',
    );
    assert.equal(take(`${D}; client_max_window_bits=10`, { clientMaxWindowBits: false }), '');
  });

  it('the first offer that can be accepted is', () => {
    const offers = `${D}; server_no_context_takeover, ${D}; server_max_window_bits=10, ${D}`;
    assert.equal(take(offers, { serverNoContextTakeover: false }), 'server_max_window_bits=10');
    const strict = { serverNoContextTakeover: false, serverMaxWindowBits: false };
    assert.equal(take(offers, strict), '');
  });

  it('offers that cannot be accepted', () => {
    assert.equal(
      take(`${D}; server_no_context_takeover`, { serverNoContextTakeover: false }),
      none,
    );
    assert.equal(take(`${D}; server_max_window_bits=10`, { serverMaxWindowBits: 11 }), none);
    assert.equal(take(`${D}; server_max_window_bits=10`, { serverMaxWindowBits: false }), none);
    assert.equal(take(D, { clientMaxWindowBits: 10 }), none);
    assert.equal(take(`${D}; client_max_window_bits=9`, { clientMaxWindowBits: 10 }), none);
  });

  it('malformed parameters', () => {
    const D1 = `${D}; `;
    for (const parameters of [
      'server_max_window_bits',
      'server_max_window_bits=7',
      'server_max_window_bits=16',
      'server_max_window_bits=1e1',
      'client_max_window_bits=0',
      'server_no_context_takeover=1',
      'client_no_context_takeover=true',
      'server_no_context_takeover; server_no_context_takeover',
      'unknown',
      'constructor',
    ]) {
      assert.match(take(D1 + parameters), /^(Invalid value for|Unknown parameter|Parameter ")/);
    }
  });
});
