/** set_log_level(). Every test has a process of its own: the level is one for the process. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_LEVELS, set_log_level } from '../../lib';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { RawServer } from '../support/raw-server';
import { root } from '../support/root';
import { startWsServer, type WsServer } from '../support/ws-server';
import { throws } from './throws';

const NAMES: [name: keyof typeof LOG_LEVELS, bit: number][] = [
  ['ERROR', 1],
  ['WARNING', 2],
  ['NOTICE', 4],
  ['INFO', 8],
  ['DEBUG', 16],
  ['PARSER', 32],
  ['HEADER', 64],
  ['EXTENSIONS', 128],
  ['CLIENT', 256],
  ['LATENCY', 512],
  ['USER', 1024],
];

describe('set_log_level()', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer();
  });
  after(() => server.close());

  /** Connects and closes; what the log function got is printed as JSON, one line each. */
  const run = async (
    levels: string,
    options: { sink?: boolean; more?: string } = {},
  ): Promise<{ lines: [number, string][]; stdout: string; stderr: string }> => {
    const { sink = true, more = '' } = options;
    const result = await expectExit(
      `
      lib.set_log_level(${levels}${sink ? `, (...args) => console.log(JSON.stringify(args))` : ''});
      const wso = lib.create({ url: args.url, perMessageDeflate: true, event_handlers: { 3() { ${more} lib.send(wso, 'x'); }, 8() { lib.close(wso); } } });
      lib.connect(wso);
      `,
      { args: { url: server.url } },
    );
    const lines = sink
      ? result.stdout
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as [number, string])
      : [];
    return { lines, stdout: result.stdout, stderr: result.stderr };
  };

  it('has the documented levels', () => {
    for (const [name, bit] of NAMES) assert.equal(LOG_LEVELS[name], bit);
    assert.equal(LOG_LEVELS.ALL, 2047);
  });

  it('returns nothing', () => {
    assert.equal(set_log_level(0), undefined);
  });

  it('logs nothing by default, and at 0', async () => {
    for (const call of ['', 'lib.set_log_level(0);']) {
      const { stdout, stderr } = await expectExit(
        `${call} const wso = lib.create({ url: args.url, event_handlers: { 3() { lib.close(wso); } } }); lib.connect(wso);`,
        { args: { url: server.url } },
      );
      assert.equal(stdout + stderr, '');
    }
  });

  it("'all' is 2047: lines of many levels, each with the bit of one", async () => {
    for (const levels of ["'all'", '2047']) {
      const { lines, stderr } = await run(levels);
      const seen = new Set(lines.map(([level]) => level));
      const bits = NAMES.map(([, bit]) => bit);
      for (const level of seen) assert.ok(bits.includes(level), String(level));
      for (const bit of [LOG_LEVELS.INFO, LOG_LEVELS.DEBUG, LOG_LEVELS.PARSER]) {
        assert.ok(seen.has(bit), `a line of level ${bit}`);
      }
      for (const [, line] of lines) {
        assert.equal(typeof line, 'string');
        assert.doesNotMatch(line, /\n/);
        assert.notEqual(line, '');
      }
      assert.equal(stderr, '');
    }
  });

  /** What makes a line of each level, and what it says. Engines differ in their own words. */
  const SHOWS: Record<string, [scenario: string, expected: RegExp]> = {
    ERROR: ['fail(args.refused);', /failed: .*ECONNREFUSED/],
    WARNING: ['begin(args.breach);', /protocol error: WS_ERR_UNEXPECTED_RSV_2_3/],
    NOTICE: ['fail(args.redirect);', /answered by a redirect to \/$/],
    INFO: ['begin(args.url);', /./],
    DEBUG: ['begin(args.url);', /./],
    PARSER: ['begin(args.url);', /./],
    HEADER: ['begin(args.url);', /response headers: .*sec-websocket-accept/i],
    EXTENSIONS: ['begin(args.deflating);', /in force: permessage-deflate/],
    CLIENT: ['begin(args.url);', /connection \d+: established/],
    LATENCY: ['begin(args.url);', /established after \d+ us/],
    USER: ['begin(args.url);', /close: 0/],
  };
  /** Defines begin(url): a connection that answers a message by closing; fail(url): one that is not made. */
  const scenarios = `
    const make = (url, handlers) => {
      const wso = lib.create({ url, perMessageDeflate: true, event_handlers: handlers(() => wso) });
      lib.connect(wso);
    };
    const begin = (url) => make(url, (wso) => ({ 3() { lib.send(wso(), 'x'); }, 8() { lib.close(wso()); }, 4() {} }));
    const fail = (url) => make(url, () => ({ 1() {} }));
  `;
  const lines = async (
    levels: number,
    scenario: string,
    urls: Record<string, string>,
  ): Promise<[number, string][]> => {
    const { stdout } = await expectExit(
      `${scenarios} lib.set_log_level(${levels}, (...args) => console.log(JSON.stringify(args))); ${scenario}`,
      { args: urls },
    );
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as [number, string]);
  };

  describe('each level', () => {
    let urls: Record<string, string>;
    let breach: RawServer;
    let redirect: RawServer;
    let cut: RawServer;
    let deflating: WsServer;
    before(async () => {
      breach = await RawServer.listen(async (connection) => {
        await connection.accept();
        connection.write(Buffer.from([0xb1, 0]));
        connection.end();
      });
      redirect = await RawServer.listen(async (connection) => {
        await connection.readRequest();
        connection.write('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n');
        connection.end();
      });
      cut = await RawServer.listen(async (connection) => {
        await connection.accept();
        connection.socket.destroy();
      });
      deflating = await startWsServer({ ws: { perMessageDeflate: true } });
      urls = {
        url: server.url,
        deflating: deflating.url,
        breach: breach.url,
        redirect: redirect.url,
        cut: cut.url,
        refused: `ws://127.0.0.1:${await freePort()}/`,
      };
    });
    after(() => Promise.all([breach, redirect, cut, deflating].map((one) => one.close())));

    for (const [name, bit] of NAMES) {
      it(`${bit} (${name}) shows something, and nothing of other levels`, async () => {
        const [scenario, expected] = SHOWS[name] as [string, RegExp];
        const seen = await lines(bit, scenario, urls);
        for (const [level] of seen) assert.equal(level, bit);
        const matching = seen.filter(([, line]) => expected.test(line));
        assert.ok(matching.length > 0, `none of ${JSON.stringify(seen)} matches ${expected}`);
      });
    }

    it('a connection that is cut off is a warning, one that the program cuts off is none', async () => {
      const seen = await lines(3, 'begin(args.cut);', urls);
      assert.match(String(seen), /closed abnormally/);
      const quiet = await lines(
        3,
        "const ws = new lib.WebSocket(args.url); ws.on('open', () => ws.terminate());",
        urls,
      );
      assert.deepEqual(quiet, []);
    });

    it('errors and warnings only of what failed', async () => {
      assert.deepEqual(await lines(3, 'begin(args.url);', urls), []);
    });

    const decided: [name: string, scenario: string, expected: RegExp][] = [
      ['too many redirects', 'fail(args.redirect);', /failed: ERR_REDIRECT_LIMIT/],
      [
        'the same of the class',
        "new lib.WebSocket(args.redirect, { followRedirects: true, maxRedirects: 1 }).on('error', () => {});",
        /failed: ERR_REDIRECT_LIMIT/,
      ],
      [
        'a redirect that is not followed',
        "new lib.WebSocket(args.redirect).on('error', () => {});",
        /failed: ERR_HTTP_STATUS, .*302/,
      ],
      [
        'a look-up that fails',
        "new lib.WebSocket('ws://n.test', { lookup: (name, options, callback) => callback(new Error('none')) }).on('error', () => {});",
        /failed: .*none/,
      ],
      [
        'a port nobody listens at',
        "new lib.WebSocket(args.refused).on('error', () => {});",
        /failed: ECONNREFUSED/,
      ],
    ];
    for (const [what, scenario, expected] of decided) {
      it(`an error is logged once: ${what}`, async () => {
        const seen = await lines(LOG_LEVELS.ERROR, scenario, urls);
        assert.equal(seen.length, 1, JSON.stringify(seen));
        assert.match((seen[0] as [number, string])[1], expected);
      });
    }

    it('is described in the documentation', () => {
      const text = readFileSync(join(root, 'docs', 'logging.md'), 'utf8');
      for (const [name, bit] of NAMES) {
        assert.match(text, new RegExp(`^\\| ${bit} \\| \`${name}\` \\| .+`, 'm'));
      }
    });
  });

  it('goes to stderr without a function', async () => {
    const { stdout, stderr } = await run('8', { sink: false });
    assert.equal(stdout, '');
    assert.match(stderr, /\n/);
  });

  it('can be changed while connections are open, and taken back from the function', async () => {
    const quiet = await run('2047', { more: 'lib.set_log_level(0);' });
    const loud = await run('2047');
    assert.ok(quiet.lines.length < loud.lines.length);
    const moved = await run('2047', { more: 'lib.set_log_level(2047);' });
    assert.notEqual(moved.stderr, '');
    assert.equal(quiet.stderr, '');
  });

  it('the function runs on the JavaScript thread, inside loop() as well', async () => {
    const { stdout } = await expectExit(
      `
      let lines = 0;
      lib.setLogLevel('all', () => { lines++; });
      const wso = lib.create({ url: args.url, standalone: true, event_handlers: { 3() { lib.close(wso); } } });
      lib.connect(wso);
      lib.loop();
      console.log(lines > 0);
      `,
      { args: { url: server.url } },
    );
    assert.equal(stdout, 'true\n');
  });

  it('a function that throws reaches uncaughtException, and the connection goes on', async () => {
    const { stdout } = await expectExit(
      `
      let thrown = 0;
      process.on('uncaughtException', () => { thrown++; });
      lib.set_log_level(8, () => { throw new Error('log'); });
      const wso = lib.create({ url: args.url, event_handlers: { 3() { lib.close(wso); }, 4() { console.log('closed', thrown > 0); } } });
      lib.connect(wso);
      `,
      { args: { url: server.url } },
    );
    assert.equal(stdout, 'closed true\n');
  });

  it('does not keep the process alive', async () => {
    await expectExit(`lib.set_log_level('all', () => {});`);
    await expectExit(`lib.set_log_level('all');`);
  });

  it('refuses other values', () => {
    const call = set_log_level as (levels: unknown, log?: unknown) => void;
    for (const levels of [-1, 2048, 1.5, NaN, Infinity]) {
      throws(() => call(levels), 'RangeError', 'ERR_OUT_OF_RANGE', 'log_levels must be');
    }
    for (const levels of ['All', 'none', '3', '', undefined, null, {}, [3], true, 3n]) {
      throws(
        () => call(levels),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        "log_levels must be a number or 'all'",
      );
    }
    for (const log of ['log', 1, {}]) {
      throws(() => call(3, log), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'log must be a function');
    }
  });
});
