/** What is said on the connections of a command: lines out, messages in, commands that begin with a slash. */
import { readFileSync } from 'node:fs';
import type { RawData } from '../websocket/listeners';
import type { WebSocket } from '../websocket';
import type { Given } from './arguments';
import { wordsOf } from './exit';
import { Recorder } from './recording';
import { RoundTrips } from './round-trips';
import type { Terminal } from './terminal';

/** Of a binary message, on a terminal. */
const SHOWN_BYTES = 512;
/** Bytes that wait to be sent, past which no more lines are read. */
const HIGH_WATER_MARK = 1024 * 1024;

const COMMANDS = [
  ['/ping [data]', 'send a ping, and tell how long its answer takes'],
  ['/pong [data]', 'send a pong'],
  ['/hex 00 ff …', 'send bytes, as a binary message'],
  ['/file path', "send a file's bytes, as a binary message"],
  ['/close [code [reason]]', 'begin to close'],
  ['/stats', 'print the counters'],
  ['/help', 'print this'],
  ['/quit', 'close and end'],
  ['//…', 'send a line that begins with a slash'],
] as const;

function bytesOf(hex: string): Buffer {
  const digits = hex.replace(/[\s:,]|0x/gi, '');
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits))
    throw new Error(`${hex}: not hexadecimal, two digits a byte`);
  return Buffer.from(digits, 'hex');
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

interface Peer {
  socket: WebSocket;
  number: number;
}

export class Conversation {
  private readonly peers = new Map<WebSocket, Peer>();
  private readonly recorder: Recorder | undefined;
  private readonly roundTrips = new RoundTrips();
  private readonly slash: boolean;
  private readonly hex: boolean;
  private readonly tellsControl: boolean;
  private readonly tellsPings: boolean;
  private readonly echoes: boolean;
  private readonly quiet: boolean;
  private last = 0;

  constructor(
    private readonly terminal: Terminal,
    given: Given,
    private readonly on: {
      message?(): void;
      /** The line /close has been given. */
      close?(): void;
      /** The line /quit has been given. */
      quit(): void;
    },
  ) {
    this.slash = given.has('slash') || (terminal.interactive && !given.has('no-slash'));
    this.hex = given.has('hex');
    this.tellsControl = given.has('show-ping-pong');
    this.tellsPings = given.has('ping');
    this.echoes = given.has('echo');
    this.quiet = given.has('quiet');
    const file = given.text('record');
    this.recorder = file === undefined ? undefined : new Recorder(file);
  }

  /** An open connection. Returns its number. */
  add(socket: WebSocket): number {
    const peer = { socket, number: ++this.last };
    this.peers.set(socket, peer);
    this.recorder?.event(peer.number, 'open', socket.url ? { url: socket.url } : {});
    socket.on('message', (data, isBinary) => this.receive(peer, toBuffer(data), isBinary));
    socket.on('ping', (data) => {
      if (this.tellsControl) this.terminal.note(`${this.nameOf(peer)}received ping "${data}"`);
    });
    socket.on('pong', (data) => this.pong(peer, data));
    socket.on('close', (code, reason) => {
      this.peers.delete(socket);
      this.recorder?.event(peer.number, 'close', { code, reason: reason.toString() });
    });
    return peer.number;
  }

  /** How a close is told. */
  static closing(code: number, reason: Buffer): string {
    if (code === 1006) return 'the connection was lost';
    const words = reason.length > 0 ? ` "${reason}"` : '';
    return `closed: ${code === 1005 ? 'without a code' : code}${words}`;
  }

  /** A line that was typed, or that -x has. */
  submit(line: string): void {
    try {
      if (!this.slash || !line.startsWith('/')) this.send(this.hex ? bytesOf(line) : line);
      else if (line.startsWith('//')) this.send(line.slice(1));
      else this.command(line);
    } catch (error) {
      this.terminal.error(wordsOf(error));
    }
  }

  /** To everyone. */
  send(data: string | Buffer): void {
    for (const peer of this.peers.values()) this.sendTo(peer, data);
  }

  ping(data?: string): void {
    for (const { socket } of this.peers.values()) this.roundTrips.ping(socket, data);
  }

  /** Says what is to be said at the end, and lets go of the recording. */
  end(): void {
    const summary = this.roundTrips.summary();
    if (summary !== undefined && this.tellsPings) this.terminal.note(summary);
    this.recorder?.close();
  }

  private sendTo({ socket, number }: Peer, data: string | Buffer): void {
    socket.send(data, { binary: typeof data !== 'string' }, (error) => {
      if (error) this.terminal.error(`not sent: ${wordsOf(error)}`);
    });
    this.recorder?.message(number, 'sent', data);
    if (socket.bufferedAmount <= HIGH_WATER_MARK) return;
    this.terminal.pause();
    socket.once('drain', () => this.terminal.resume());
    socket.once('close', () => this.terminal.resume());
  }

  private receive(peer: Peer, data: Buffer, isBinary: boolean): void {
    const message = isBinary ? data : data.toString();
    this.recorder?.message(peer.number, 'received', message);
    if (!this.quiet) this.show(peer, message);
    if (this.echoes) this.sendTo(peer, message);
    this.on.message?.();
  }

  private show(peer: Peer, message: string | Buffer): void {
    const { socket } = peer;
    const text = typeof message === 'string' ? message : this.hexOf(message);
    const room = this.terminal.received(text, this.nameOf(peer), () => socket.resume());
    if (!room) socket.pause();
  }

  /** On a terminal for people, else so that `xxd -r -p` reads it. */
  private hexOf(data: Buffer): string {
    if (!this.terminal.interactive) return data.toString('hex');
    const digits = data.toString('hex', 0, SHOWN_BYTES).replace(/..(?=.)/g, '$& ');
    const cut = data.length > SHOWN_BYTES ? ' …' : '';
    return `[${digits}${cut}] ${data.length} ${data.length === 1 ? 'byte' : 'bytes'}`;
  }

  private pong(peer: Peer, data: Buffer): void {
    const time = this.roundTrips.pong(peer.socket, data);
    if (time !== undefined) {
      this.terminal.note(`${this.nameOf(peer)}pong after ${time.toFixed(2)} ms`);
    } else if (this.tellsControl) {
      this.terminal.note(`${this.nameOf(peer)}received pong "${data}"`);
    }
  }

  /** Peers are told apart once there has been a second one. */
  private nameOf({ number }: Peer): string {
    return this.last > 1 ? `[${number}] ` : '';
  }

  private command(line: string): void {
    const [, name, rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
    const sockets = [...this.peers.keys()];
    switch (name) {
      case 'ping':
        return this.ping(rest || undefined);
      case 'pong':
        return sockets.forEach((socket) => socket.pong(rest));
      case 'hex':
        return this.send(bytesOf(rest));
      case 'file':
        return this.send(readFileSync(rest));
      case 'close': {
        const [, code = '1000', reason = ''] = /^(\d*)\s*(.*)$/s.exec(rest) ?? [];
        sockets.forEach((socket) => socket.close(Number(code || 1000), reason));
        return this.on.close?.();
      }
      case 'stats':
        return sockets.forEach((socket) =>
          Object.entries(socket.stats).forEach(([key, value]) =>
            this.terminal.note(`${key.padEnd(24)}${String(value)}`),
          ),
        );
      case 'help':
        return COMMANDS.forEach(([usage, what]) =>
          this.terminal.note(`${usage.padEnd(24)}${what}`),
        );
      case 'quit':
        return this.on.quit();
      default:
        throw new Error(`there is no command /${name}: /help lists them, // sends a slash`);
    }
  }
}
