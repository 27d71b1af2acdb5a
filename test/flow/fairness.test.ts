/**
 * A socket that is never silent leaves the rest of Node's loop its turn: the engine goes from one turn to the next
 * while there is an answer, but not past what else is due.
 */
import { strict as assert } from 'node:assert';
import { expectExit } from '../support/child';

/** What a program may ask of Node's loop, and how many messages may come before it gets it, at most. */
const ACTS: Record<string, [act: string, most: number]> = {
  tick: ['process.nextTick(done)', 0],
  promise: ['Promise.resolve().then(done)', 0],
  immediate: ['setImmediate(done)', 8],
  timer: ['setTimeout(done, 1)', Infinity],
  'I/O': ["require('node:fs').stat('.', done)", Infinity],
};
const ROUNDS = 50;

/** Both ends in one process, and one message that goes to and fro all the time. */
const program = (act: string): string => `
  lib.configure({ service: args.service });
  const server = new lib.WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false }, () => {
    const socket = new lib.WebSocket('ws://127.0.0.1:' + server.address().port);
    socket.on('open', () => socket.send('x'));
    let messages = 0;
    let most = 0;
    let rounds = 0;
    const round = () => {
      const before = messages;
      const done = () => {
        most = Math.max(most, messages - before);
        rounds += 1;
        if (rounds < args.rounds) return void socket.once('message', round);
        require('node:fs').writeSync(1, JSON.stringify({ most, messages }));
        process.exit();
      };
      ${act};
    };
    socket.on('message', () => {
      messages += 1;
      socket.send('x');
      // The turns have long been on Node's loop, if they ever are.
      if (messages === 5000) round();
    });
  });
  server.on('connection', (peer) => peer.on('message', () => peer.send('x')));
`;

describe('a socket that is never silent', () => {
  for (const service of ['adaptive', 'loop']) {
    for (const [name, [act, most]] of Object.entries(ACTS)) {
      it(`leaves its turn to a program's ${name} (service: ${service})`, async () => {
        const { stdout } = await expectExit(program(act), {
          args: { service, rounds: ROUNDS },
        });
        const seen = JSON.parse(stdout) as { most: number; messages: number };
        assert.ok(seen.most <= most, `${seen.most} messages came first`);
        assert.ok(seen.messages >= 5000);
      });
    }
  }
});
