// wscat: the command, with a message to send
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { done, require, wsServer } from './support.mjs';

const { url } = await wsServer((socket) =>
  socket.on('message', (data) => socket.send(`got ${data}`)),
);
const command = require.resolve('wscat/bin/wscat');
const child = spawn(process.execPath, [
  ...process.execArgv,
  command,
  '-c',
  url,
  '-x',
  'hello',
  '-w',
  '1',
]);
let output = '';
child.stdout.on('data', (data) => (output += data));
child.stderr.pipe(process.stderr);
const code = await new Promise((resolve) => child.on('close', resolve));
assert.equal(code, 0);
assert.match(output, /got hello/);
done();
