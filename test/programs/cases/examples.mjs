// express, fastify: this library's examples with them, tried by themselves and by a client
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { done, event } from './support.mjs';

const EXAMPLES = {
  'express-server.js': {
    output: [
      'the page: hello Ann',
      'Unexpected server response: 404',
      'heard: Ann: good morning',
      'the server has closed',
    ],
    answer: 'nobody: hi',
  },
  'fastify-server.js': {
    output: [
      'the page: {"clients":1}',
      'came back: hello',
      'closed with 1001',
      'the server has closed',
    ],
    answer: 'hi',
  },
};

for (const [example, { output, answer }] of Object.entries(EXAMPLES)) {
  const { stdout } = await promisify(execFile)(process.execPath, [`examples/${example}`]);
  assert.deepEqual(stdout.trim().split('\n'), output);

  const serving = spawn(process.execPath, [`examples/${example}`, '0']);
  const [line] = await once(createInterface({ input: serving.stdout }), 'line');
  const socket = new WebSocket(/ws:\S+/.exec(line)[0]);
  await event(socket, 'open');
  socket.send('hi');
  assert.equal(String(await event(socket, 'message')), answer);
  socket.close();
  await event(socket, 'close');
  serving.kill();
}
done();
