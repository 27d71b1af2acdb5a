/** `verawebsockets connect`: one connection to a server. */
import { clearTimeout, microtask, setTimeout } from '../base/runtime';
import { WebSocket } from '../websocket';
import type { Given } from './arguments';
import { Conversation } from './conversation';
import { asUsageError, EXIT, isNormalClose, wordsOf } from './exit';
import { readRecording } from './recording';
import { clientOptions, urlOf } from './settings';
import { Terminal } from './terminal';

/** What a script waits for answers unless told, in s; wscat's. */
const WAIT = 2;

function open(given: Given, passphrase: string | undefined): WebSocket {
  const options = clientOptions(given, passphrase);
  try {
    return new WebSocket(urlOf(given.target), given.list('subprotocol'), options);
  } catch (error) {
    // What cannot be used is found before anything is connected.
    throw asUsageError(error);
  }
}

export class ConnectCommand {
  private readonly terminal: Terminal;
  private readonly socket: WebSocket;
  private readonly conversation: Conversation;
  private readonly messages: readonly string[];
  private readonly replay: ReturnType<typeof readRecording> | undefined;
  private readonly speed: number;
  private readonly wait: number;
  private readonly count: number;
  private readonly pingInterval: number;
  private readonly timers = new Set<NodeJS.Timeout>();
  private received = 0;
  /** We are the ones who close. */
  private leaving = false;
  private interrupted = false;
  private failure: Error | undefined;

  /** @throws UsageError */
  constructor(given: Given, passphrase: string | undefined) {
    this.messages = given.list('execute');
    const file = given.text('replay');
    this.replay = file === undefined ? undefined : readRecording(file);
    this.speed = given.number('speed', 1);
    this.wait = given.number('wait', WAIT, { max: 2_000_000 });
    this.count = given.number('count', 0, { min: 1, integer: true });
    this.pingInterval = given.number('ping', 0, { min: 0.001, max: 2_000_000 });
    this.terminal = new Terminal({ color: !given.has('no-color'), asks: !this.isScript });
    this.socket = open(given, passphrase);
    this.conversation = new Conversation(this.terminal, given, {
      message: () => this.countMessage(),
      close: () => (this.leaving = true),
      quit: () => this.leave(),
    });
  }

  /** Resolves with the exit code. */
  run(): Promise<number> {
    const { socket } = this;
    socket.on('open', () => this.begin());
    socket.on('error', (error) => (this.failure = error));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.interrupt());
    return new Promise((resolve) => {
      // When everybody else has heard of it.
      socket.on('close', (code, reason) => microtask(() => resolve(this.end(code, reason))));
    });
  }

  /** A line of the log. */
  note(line: string): void {
    this.terminal.note(line);
  }

  /** Nobody is asked for lines. */
  private get isScript(): boolean {
    return this.messages.length > 0 || this.replay !== undefined;
  }

  private begin(): void {
    const { socket, terminal, conversation } = this;
    conversation.add(socket);
    const protocol = socket.protocol ? `, subprotocol ${socket.protocol}` : '';
    const hint = terminal.interactive ? ' (Ctrl+C to quit, /help for commands)' : '';
    terminal.control(`connected to ${socket.url}${protocol}${hint}`);
    if (this.pingInterval > 0) this.pingAgain();
    for (const message of this.messages) conversation.submit(message);
    if (!this.isScript) {
      terminal.read({
        line: (text) => conversation.submit(text),
        end: () => (terminal.interactive ? this.leave() : this.leaveLater()),
        interrupt: () => this.leave(),
      });
    } else if (this.replay !== undefined) {
      this.playFrom(0, this.replay, 0);
    } else {
      this.leaveLater();
    }
  }

  /** Sends the recorded messages from this one on, each at its time in s. */
  private playFrom(first: number, messages: NonNullable<typeof this.replay>, at: number): void {
    for (let i = first; i < messages.length; ++i) {
      const { time, data } = messages[i] as (typeof messages)[number];
      const delay = this.speed === 0 ? 0 : (time - at) / this.speed;
      if (delay > 0) {
        this.after(delay, () => this.playFrom(i, messages, time));
        return;
      }
      this.conversation.send(data);
    }
    this.leaveLater();
  }

  private pingAgain(): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.conversation.ping();
    this.after(this.pingInterval, () => this.pingAgain());
  }

  private countMessage(): void {
    if (++this.received === this.count) this.leave();
  }

  /** Waits for answers first. */
  private leaveLater(): void {
    this.after(this.wait, () => this.leave());
  }

  private leave(): void {
    if (this.socket.readyState === WebSocket.CONNECTING) return this.interrupt();
    this.leaving = true;
    this.socket.close(1000);
  }

  private interrupt(): void {
    // The second time at once.
    if (this.interrupted) process.exit(EXIT.interrupted);
    this.interrupted = true;
    this.leaving = true;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000);
    else this.socket.terminate();
  }

  private after(seconds: number, callback: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      callback();
    }, seconds * 1000);
    this.timers.add(timer);
  }

  private end(code: number, reason: Buffer): number {
    const { terminal } = this;
    for (const timer of this.timers) clearTimeout(timer);
    const { exit, words } = this.outcome(code, reason);
    terminal.close();
    this.conversation.end();
    const wrong: readonly number[] = [EXIT.failed, EXIT.closed, EXIT.tooFew];
    if (wrong.includes(exit)) terminal.error(words);
    else terminal.control(words);
    return exit;
  }

  private outcome(code: number, reason: Buffer): { exit: number; words: string } {
    const closing = Conversation.closing(code, reason);
    if (this.interrupted) return { exit: EXIT.interrupted, words: closing };
    if (this.failure) return { exit: EXIT.failed, words: wordsOf(this.failure) };
    if (code === 1006 && !this.leaving) return { exit: EXIT.failed, words: closing };
    if (!isNormalClose(code) && !this.leaving) return { exit: EXIT.closed, words: closing };
    if (this.received < this.count) {
      const came = `${this.received} of ${this.count} messages came`;
      return { exit: EXIT.tooFew, words: came };
    }
    return { exit: EXIT.done, words: closing };
  }
}
