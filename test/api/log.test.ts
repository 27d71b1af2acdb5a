/** set_log_level(). Every test has a process of its own: the level is one for the process. */
import { strict as assert } from 'node:assert';
import { LOG_LEVELS, set_log_level } from '../../lib';
import { expectExit } from '../support/child';
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

  for (const [name, bit] of NAMES) {
    it(`${bit} (${name}): lines of this level only`, async () => {
      const { lines } = await run(String(bit));
      for (const [level] of lines) assert.equal(level, bit);
    });
  }

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
