/** `verawebsockets/register`: ours in the place of ws, in processes of their own. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { Project, type Ended } from './project';

/** Prints whether each copy of ws is our class, or what it is instead. */
const SHOW = `
const show = (values) => {
  const words = values.map((value) => (value === ours ? 'ours' : String(value).split(/\\s/, 2).join(' ')));
  console.log(words.join(', '));
};`;

const REQUIRE = `
const ours = require('verawebsockets/ws');
${SHOW}
show(['ws', 'has-7', 'has-8', 'has-6', 'has-9'].map((name) => require(name)));
`;

const IMPORT = `
import ours from 'verawebsockets/ws';
import top, { WebSocket, WebSocketServer } from 'ws';
import seven from 'has-7';
import eight from 'has-8';
import six from 'has-6';
import nine from 'has-9';
${SHOW}
show([top, seven, eight, six, nine]);
console.log(WebSocket === ours, WebSocketServer === ours.Server);
`;

const COPIES = 'ours, ours, ours, ws 6.2.3, ws 9.0.0\n';

describe('verawebsockets/register', () => {
  let project: Project;

  beforeEach(() => {
    project = new Project();
    for (const version of ['6.2.3', '7.5.10', '8.0.0', '9.0.0'])
      project.nestWs(`has-${version.charAt(0)}`, version);
    project.write('app.cjs', REQUIRE);
    project.write('app.mjs', IMPORT);
  });
  afterEach(() => project.remove());

  const expected = (stdout: string): Ended => ({ code: 0, stdout, stderr: '' });

  for (const flag of ['--import', '-r']) {
    const args = [flag, 'verawebsockets/register'];

    it(`${flag}: require('ws') is ours, nested copies too`, async () => {
      assert.deepEqual(await project.run([...args, 'app.cjs']), expected(COPIES));
    });

    it(`${flag}: import 'ws' is ours, nested copies too`, async () => {
      const both = `${COPIES}true true\n`;
      assert.deepEqual(await project.run([...args, 'app.mjs']), expected(both));
    });
  }

  it('without it ws is ws', async () => {
    project.write('plain.cjs', `${REQUIRE.replaceAll('ours = ', 'ours = 0 && ')}`);
    const { stdout } = await project.run(['plain.cjs']);
    assert.equal(stdout, 'class WebSocket, ws 7.5.10, ws 8.0.0, ws 6.2.3, ws 9.0.0\n');
  });

  it('holds for workers', async () => {
    project.write(
      'parent.cjs',
      `const { Worker } = require('node:worker_threads');
      for (const file of ['./app.cjs', './app.mjs']) new Worker(file);`,
    );
    const args = ['--import', 'verawebsockets/register', 'parent.cjs'];
    const { code, stdout, stderr } = await project.run(args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(stdout.split(COPIES).join('').trim(), 'true true');
  });

  it('says under NODE_DEBUG=verawebsockets, once for each copy, what it did', async () => {
    project.write('twice.cjs', `require('./app.cjs');\n[require('ws'), require('has-6')];`);
    for (const file of ['twice.cjs', 'app.mjs']) {
      const args = ['--import', 'verawebsockets/register', file];
      const { stderr } = await project.run(args, { NODE_DEBUG: 'verawebsockets' });
      const lines = stderr.trim().split('\n');
      const said = lines.map((line) =>
        /^VERAWEBSOCKETS \d+: ws (\d).* in .* is (.*)$/.exec(line)?.slice(1).join(' '),
      );
      const seen = ['6 left alone', '7 replaced', '8 replaced', '8 replaced', '9 left alone'];
      assert.deepEqual(said.sort(), seen, stderr);
    }
  });

  it('leaves ws in place without a binary, and says so once', async () => {
    project.write('plain.cjs', `console.log(require('ws').Sender.name, require('has-8'));`);
    const env = { VERAWEBSOCKETS_BINARY: join(project.folder, 'none.node') };
    for (const flag of ['--import', '-r']) {
      const args = [flag, 'verawebsockets/register', 'plain.cjs'];
      const { code, stdout, stderr } = await project.run(args, env);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: 'Sender ws 8.0.0\n' });
      const matches = stderr.match(/\[ERR_NO_BINARY\] Warning: ws is left in place: /g);
      assert.equal(matches?.length, 1, stderr);
    }
  });
});
