/** `verawebsockets listen`: a server, for whoever connects. */
import type { IncomingMessage } from 'node:http';
import { WebSocketServer } from '../server';
import type { WebSocket } from '../websocket';
import type { Given } from './arguments';
import { Conversation } from './conversation';
import { asUsageError, EXIT, wordsOf } from './exit';
import { serverOptions } from './settings';
import { Terminal } from './terminal';

export class ListenCommand {
  private readonly terminal: Terminal;
  private readonly conversation: Conversation;
  private readonly server: WebSocketServer;
  private readonly secure: boolean;
  private finish: (code: number) => void = () => {};

  /** @throws UsageError */
  constructor(given: Given, passphrase: string | undefined) {
    const options = serverOptions(given, passphrase);
    this.secure = options.cert !== undefined;
    this.terminal = new Terminal({ color: !given.has('no-color'), asks: true });
    this.conversation = new Conversation(this.terminal, given, { quit: () => this.leave() });
    try {
      this.server = new WebSocketServer(options);
    } catch (error) {
      throw asUsageError(error);
    }
  }

  /** Resolves with the exit code. */
  run(): Promise<number> {
    const { terminal, server } = this;
    server.on('listening', () => this.begin());
    server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
      const number = this.conversation.add(socket);
      const { remoteAddress, remotePort } = request.socket;
      terminal.control(
        `[${number}] connected, from ${remoteAddress}:${remotePort}: ${request.url}`,
      );
      socket.on('error', (error) => terminal.error(`[${number}] ${wordsOf(error)}`));
      socket.on('close', (code, reason) =>
        terminal.control(`[${number}] ${Conversation.closing(code, reason)}`),
      );
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => this.leave());
    return new Promise((resolve) => {
      this.finish = resolve;
      server.on('error', (error) => {
        terminal.close();
        terminal.error(wordsOf(error));
        resolve(EXIT.failed);
      });
    });
  }

  /** A line of the log. */
  note(line: string): void {
    this.terminal.note(line);
  }

  private begin(): void {
    const { terminal, server } = this;
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const every = address.address === '::' || address.address === '0.0.0.0';
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    const url = `${this.secure ? 'wss' : 'ws'}://${every ? 'localhost' : host}:${address.port}/`;
    // On stderr where nobody types, so that a script learns the port.
    terminal.note(
      `listening at ${url}${every ? ', and at every other address of this machine' : ''}`,
    );
    terminal.read({
      line: (text) => this.conversation.submit(text),
      // The end of a pipe is none of a server.
      end: () => terminal.interactive && this.leave(),
      interrupt: () => this.leave(),
    });
  }

  private leave(): void {
    this.terminal.close();
    for (const socket of this.server.clients) socket.close(1001);
    this.server.close(() => {
      this.conversation.end();
      this.finish(EXIT.done);
    });
  }
}
