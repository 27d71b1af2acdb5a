/** `verawebsockets bench`: how fast a server is that sends each message back, and how long its answers take. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { now, setTimeout } from '../base/runtime';
import { WebSocket } from '../websocket';
import type { Given } from './arguments';
import { BenchPeer } from './bench-peer';
import { asUsageError, EXIT, isBinaryMissing, UsageError, wordsOf } from './exit';
import { Nap } from './nap';
import { clientOptions, urlOf } from './settings';

/** Handshakes at once. */
const OPENING = 100;
/** How long answers are waited for at the end, in ms. */
const LAST_ANSWERS = 1000;
/** How long the first one may take, in ms. */
const FIRST_ANSWER = 5000;
/** How often it is looked what is due, with --rate, in ms; what goes no later than twice that is in time. */
const TICK = 1;

const PERCENTILES = [50, 90, 99, 99.9] as const;

const count = (value: number): string => Math.round(value).toLocaleString('en');
const inMs = (nanoseconds: number): number => Number((nanoseconds / 1e6).toFixed(3));
/** For people: three digits. */
const ms = (nanoseconds: number): string =>
  nanoseconds < 1e8 ? (nanoseconds / 1e6).toPrecision(3) : (nanoseconds / 1e6).toFixed(0);
const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(2);

export class BenchCommand {
  private readonly url: string;
  private readonly protocols: string[];
  private readonly options: ReturnType<typeof clientOptions>;
  private readonly connections: number;
  private readonly inFlight: number;
  private readonly rate: number;
  private readonly size: number;
  private readonly duration: number;
  private readonly json: boolean;
  private readonly payload: string | Buffer;
  private readonly live = process.stdout.isTTY === true;
  private readonly peers: BenchPeer[] = [];
  private readonly all: RecordableHistogram = createHistogram();
  /** Of the last second. */
  private readonly recent: RecordableHistogram = createHistogram();
  private start = 0;
  private sent = 0;
  private lost = 0;
  private answers = 0;
  private answersInTime = 0;
  private stopped = false;
  private end: number | undefined;
  private failure: Error | undefined;
  private readonly nap = new Nap();

  /** @throws UsageError */
  constructor(given: Given, passphrase: string | undefined) {
    this.url = urlOf(given.target);
    this.protocols = given.list('subprotocol');
    this.options = clientOptions(given, passphrase);
    const counts = { min: 1, max: 1_000_000, integer: true };
    this.connections = given.number('connections', 1, counts);
    this.inFlight = given.number('in-flight', 1, counts);
    this.rate = given.number('rate', 0, { min: 0.001, max: 100_000_000 });
    if (this.rate > 0 && given.has('in-flight'))
      throw new UsageError('--rate and --in-flight cannot be given both');
    this.size = given.number('size', 64, { max: 1024 ** 3, integer: true });
    this.duration = given.number('duration', 10, { min: 0.1, max: 86_400 }) * 1000;
    this.json = given.has('json');
    this.payload = given.has('text') ? 'x'.repeat(this.size) : Buffer.alloc(this.size, 'x');
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    let interrupted = false;
    process.once('SIGINT', () => {
      interrupted = true;
      process.once('SIGINT', () => process.exit(EXIT.interrupted));
      this.stop();
    });
    try {
      await this.open();
      if (!interrupted) await this.measure();
    } catch (error) {
      if (error instanceof UsageError || isBinaryMissing(error)) throw error;
      return this.fail(error);
    } finally {
      for (const { socket } of this.peers) socket.terminate();
    }
    if (this.failure && this.lost === this.connections) return this.fail(this.failure);
    if (this.answers === 0) {
      if (interrupted) return EXIT.interrupted;
      return this.fail('the server sent nothing back; it has to send back each message');
    }
    this.report();
    return interrupted ? EXIT.interrupted : EXIT.done;
  }

  /** A line of the log. */
  note(line: string): void {
    this.erase();
    process.stderr.write(`${line}\n`);
  }

  private fail(error: unknown): number {
    this.erase();
    process.stderr.write(`error: ${wordsOf(error)}\n`);
    return EXIT.failed;
  }

  private async open(): Promise<void> {
    let left = this.connections;
    const openSome = async (): Promise<void> => {
      while (left-- > 0 && !this.stopped) this.add(await this.openOne());
    };
    const some = Array.from({ length: Math.min(OPENING, left) }, openSome);
    const results = await Promise.allSettled(some);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason as Error;
  }

  private openOne(): Promise<WebSocket> {
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.url, this.protocols, this.options);
    } catch (error) {
      throw asUsageError(error);
    }
    return new Promise((resolve, reject) => {
      let failure: Error | undefined;
      socket.on('open', () => resolve(socket));
      socket.on('error', (error) => (failure = error));
      socket.on('close', (code) => {
        const error = failure ?? new Error(`the connection was closed, with ${code}`);
        reject(error);
        if (!this.stopped && this.start > 0) this.lose(error);
      });
    });
  }

  private add(socket: WebSocket): void {
    const { payload } = this;
    this.peers.push(
      new BenchPeer(socket, {
        payload,
        answered: (time) => this.answered(time),
        goesOn: () => {
          const more = !this.stopped && this.rate === 0;
          if (more) ++this.sent;
          return more;
        },
      }),
    );
    if (this.live) this.show(`${this.peers.length} of ${this.connections} connections`);
  }

  private lose(error: Error): void {
    this.failure ??= error;
    if (++this.lost === this.connections) this.stop();
  }

  private answered(time: number): void {
    ++this.answers;
    if (!this.stopped) ++this.answersInTime;
    else if (this.peers.every((peer) => peer.underWay === 0)) this.nap.wake();
    const nanoseconds = Math.max(1, Math.round(time * 1e6));
    this.all.record(nanoseconds);
    if (this.live) this.recent.record(nanoseconds);
  }

  private async measure(): Promise<void> {
    this.start = now();
    if (this.rate > 0) this.sendAtRate();
    else {
      for (let i = 0; i < this.inFlight; ++i) {
        for (const peer of this.peers) {
          ++this.sent;
          peer.send(now());
        }
      }
    }
    await this.pass();
    this.stop();
    if (this.underWay() > 0) await this.nap.sleep(LAST_ANSWERS);
  }

  /** Sends what is due by now; a message that goes late has waited since it was due. */
  private sendAtRate(): void {
    if (this.stopped) return;
    const due = Math.floor(((now() - this.start) / 1000) * this.rate);
    for (; this.sent < due; ++this.sent) {
      const peer = this.peers[this.sent % this.peers.length] as BenchPeer;
      if (peer.socket.readyState !== WebSocket.OPEN) continue;
      const at = this.start + ((this.sent + 1) / this.rate) * 1000;
      const time = now();
      peer.send(time - at > 2 * TICK ? at : time);
    }
    setTimeout(() => this.sendAtRate(), TICK);
  }

  /** The time of the measurement, a second at a time, unless nothing comes back. */
  private async pass(): Promise<void> {
    let before = 0;
    let last = this.start;
    while (!this.stopped) {
      const left = this.start + this.duration - now();
      if (left <= 0) return;
      await this.nap.sleep(Math.min(left, 1000));
      const time = now();
      if (this.answers === 0 && time - this.start > FIRST_ANSWER) return;
      if (this.live) this.showRate(((this.answers - before) * 1000) / (time - last));
      before = this.answers;
      last = time;
    }
  }

  private stop(): void {
    this.stopped = true;
    this.end ??= now();
    this.nap.wake();
  }

  private underWay(): number {
    return this.peers.reduce((sum, peer) => sum + peer.underWay, 0);
  }

  private showRate(rate: number): void {
    const { recent } = this;
    const seconds = Math.round((now() - this.start) / 1000);
    const latency =
      recent.count > 0
        ? `p50 ${ms(recent.percentile(50))} ms  p99 ${ms(recent.percentile(99))} ms`
        : '';
    this.show(
      `${seconds} s  ${count(rate)} messages/s  ${mib(rate * this.size)} MiB/s  ${latency}`,
    );
    recent.reset();
  }

  private show(line: string): void {
    process.stdout.write(`\r\x1b[K${line}`);
  }

  private erase(): void {
    if (this.live) process.stdout.write('\r\x1b[K');
  }

  private report(): void {
    const { all } = this;
    const seconds = ((this.end as number) - this.start) / 1000;
    const rate = this.answersInTime / seconds;
    const unanswered = this.underWay();
    this.erase();
    if (this.json) {
      const latency = PERCENTILES.map((p) => [`p${p}`, inMs(all.percentile(p))]);
      const result = {
        url: this.url,
        connections: this.connections,
        lost: this.lost,
        size: this.size,
        seconds: Number(seconds.toFixed(3)),
        messages: this.answers,
        unanswered,
        messagesPerSecond: Number(rate.toFixed(1)),
        latency: {
          min: inMs(all.min),
          ...Object.fromEntries(latency),
          max: inMs(all.max),
        },
      };
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const percentiles = PERCENTILES.map((p) => `p${p} ${ms(all.percentile(p))}`).join('  ');
    const lines = [
      ['messages', `${count(this.answers)} of ${this.size} bytes in ${seconds.toFixed(2)} s`],
      ['rate', `${count(rate)} messages/s, ${mib(rate * this.size)} MiB/s each way`],
      ['latency, ms', `min ${ms(all.min)}  ${percentiles}  max ${ms(all.max)}`],
      ...(unanswered > 0 ? [['unanswered', count(unanswered)]] : []),
      ...(this.lost > 0
        ? [['lost', `${this.lost} of ${this.connections} connections: ${wordsOf(this.failure)}`]]
        : []),
    ];
    for (const [name, text] of lines)
      process.stdout.write(`${(name as string).padEnd(14)}${text}\n`);
  }
}
