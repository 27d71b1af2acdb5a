/** `verawebsockets top`: what a server is doing, by its metrics, as it changes. */
import type { RequestOptions } from 'node:https';
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { now } from '../base/runtime';
import type { Given } from './arguments';
import { EXIT, UsageError, wordsOf } from './exit';
import { rate, read, type Reading } from './metrics-reader';
import { Nap } from './nap';
import { requestOptions } from './settings';

/** Reasons that are shown, at most. */
const REASONS = 3;
/** Peers, likewise. */
const PEERS = 5;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Three digits of a small number. */
function count(value: number): string {
  const digits = value > 0 && value < 10 ? 1 : 0;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

function bytes(value: number): string {
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; ++unit) value /= 1024;
  return `${unit === 0 ? count(value) : value.toFixed(2)} ${UNITS[unit]}`;
}

function ms(seconds: number): string {
  return `${(seconds * 1000).toPrecision(3)} ms`;
}

/** What is shown, and the members of --json. */
export interface Shown {
  connections: number;
  opened: number;
  closed: number;
  handshakes: number;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  backpressured: number;
  sendQueueBytes: number;
  droppedMessages: number;
  droppedConnections: number;
  refused: Record<string, number>;
  /** What waits for the sockets for which most waits, the most first; `peer` if the server tells it. */
  slowest: { bytes: number; peer?: string }[];
  /** Of a server that has one. */
  broker?: { published: number; received: number; lost: number; errors: number };
  turns: number;
  /** Their mean, in s. */
  turnTime: number;
  loopDelay?: { p50: number; p99: number };
}

/** Of all servers behind the endpoint. */
function slowestOf(reading: Reading): Shown['slowest'] {
  return reading
    .samples('slowest_peer_bytes')
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value)
    .slice(0, PEERS)
    .map(({ value, labels }) => {
      const peer = labels.get('peer');
      return { bytes: value, ...(peer !== undefined && { peer }) };
    });
}

/** The difference of two readings: of counters so much a second, of the others what is so now. */
export function compare(before: Reading, after: Reading): Shown {
  const seconds = Math.max(1, after.time - before.time) / 1000;
  const gauge = (name: string): number => after.value(name) ?? 0;
  const grown = (name: string): number =>
    rate(before.value(name) ?? 0, after.value(name) ?? 0, seconds);
  const earlier = before.by('handshake_failures_total', 'reason');
  const refused = [...after.by('handshake_failures_total', 'reason')]
    .map(([reason, value]): [string, number] => [
      reason,
      rate(earlier.get(reason) ?? 0, value, seconds),
    ])
    .filter(([, value]) => value > 0)
    .sort(([, a], [, b]) => b - a);
  const turns = grown('engine_turn_seconds_count');
  const [p50, p99] = ['0.5', '0.99'].map((quantile) =>
    after.largest('event_loop_delay_seconds', 'quantile', quantile),
  );
  return {
    connections: gauge('connections'),
    opened: grown('connections_opened_total'),
    closed: grown('connections_closed_total'),
    handshakes: gauge('handshakes'),
    messagesIn: grown('messages_received_total'),
    messagesOut: grown('messages_sent_total'),
    bytesIn: grown('received_bytes_total'),
    bytesOut: grown('sent_bytes_total'),
    backpressured: gauge('backpressured_connections'),
    sendQueueBytes: gauge('send_queue_bytes'),
    droppedMessages: grown('messages_dropped_total'),
    droppedConnections: grown('connections_dropped_total'),
    refused: Object.fromEntries(refused),
    slowest: slowestOf(after),
    ...(after.value('broker_messages_published_total') !== undefined && {
      broker: {
        published: grown('broker_messages_published_total'),
        received: grown('broker_messages_received_total'),
        lost: grown('broker_messages_lost_total'),
        errors: grown('broker_errors_total'),
      },
    }),
    turns,
    turnTime: turns > 0 ? grown('engine_turn_seconds_sum') / turns : 0,
    ...(p50 !== undefined && p99 !== undefined && { loopDelay: { p50, p99 } }),
  };
}

/** As they are printed. */
export function rows(shown: Shown): string[] {
  const refused = Object.entries(shown.refused);
  const why = refused.slice(0, REASONS).map(([reason, value]) => `${reason} ${count(value)}/s`);
  const all = refused.reduce((sum, [, value]) => sum + value, 0);
  const table: [string, ...string[]][] = [
    [
      'connections',
      count(shown.connections),
      `opened ${count(shown.opened)}/s`,
      `closed ${count(shown.closed)}/s`,
      `handshakes ${count(shown.handshakes)}`,
    ],
    ['messages', `in ${count(shown.messagesIn)}/s`, `out ${count(shown.messagesOut)}/s`],
    ['bytes', `in ${bytes(shown.bytesIn)}/s`, `out ${bytes(shown.bytesOut)}/s`],
    ['back-pressured', count(shown.backpressured), `send queue ${bytes(shown.sendQueueBytes)}`],
    [
      'dropped',
      `messages ${count(shown.droppedMessages)}/s`,
      `connections ${count(shown.droppedConnections)}/s`,
    ],
    ['refused', `${count(all)}/s`, ...why],
    ['engine', `turns ${count(shown.turns)}/s`, `mean ${ms(shown.turnTime)}`],
  ];
  const { broker, loopDelay, slowest } = shown;
  if (slowest.length > 0) {
    table.splice(4, 0, [
      'slowest',
      ...slowest.map(({ bytes: size, peer }) => (peer ? `${bytes(size)} to ${peer}` : bytes(size))),
    ]);
  }
  if (broker) {
    const { published, received, lost, errors } = broker;
    table.push([
      'broker',
      `out ${count(published)}/s`,
      `in ${count(received)}/s`,
      `lost ${count(lost)}/s`,
      `errors ${count(errors)}/s`,
    ]);
  }
  if (loopDelay) {
    table.push(['event loop', `p50 ${ms(loopDelay.p50)}`, `p99 ${ms(loopDelay.p99)}`]);
  }
  return table.map(([name, ...cells]) => name.padEnd(16) + cells.join('   '));
}

export class TopCommand {
  private readonly url: URL;
  private readonly options: RequestOptions;
  private readonly interval: number;
  private readonly once: boolean;
  private readonly json: boolean;
  private readonly live: boolean;
  /** Lines on the terminal, which are written over. */
  private drawn = 0;
  private stopped = false;
  private readonly nap = new Nap();

  /** @throws UsageError */
  constructor(given: Given, passphrase: string | undefined) {
    this.url = endpointOf(given.target);
    this.options = requestOptions(given, passphrase);
    this.interval = given.number('interval', 2, { min: 0.1, max: 3600 }) * 1000;
    this.once = given.has('once');
    this.json = given.has('json');
    this.live = !this.once && !this.json && process.stdout.isTTY === true;
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => this.stop());
    // Who reads us has had enough, as in "| head -1".
    process.stdout.on('error', () => process.exit());
    let before: Reading | undefined;
    while (!this.stopped) {
      try {
        const reading = await read(this.url, this.options, now);
        if (before) {
          this.print(compare(before, reading));
          if (this.once) return EXIT.done;
        }
        before = reading;
      } catch (error) {
        // A server that goes may come back; one that was never there is a mistake.
        if (before === undefined || !this.live) return this.fail(error);
        this.draw([`error: ${wordsOf(error)}`]);
      }
      await this.nap.sleep(this.interval);
    }
    return EXIT.done;
  }

  /** There is no engine, and so no log of one. */
  note(): void {
    // Nothing comes.
  }

  private fail(error: unknown): number {
    process.stderr.write(`error: ${wordsOf(error)}\n`);
    return EXIT.failed;
  }

  private print(shown: Shown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(shown)}\n`);
    else if (this.live) {
      const head = `${this.url.href}, every ${this.interval / 1000} s (Ctrl+C to quit)`;
      this.draw([head, '', ...rows(shown)]);
    } else process.stdout.write(`${rows(shown).join('\n')}\n${this.once ? '' : '\n'}`);
  }

  /** Over what was drawn before. Lines are cut, so that they take one row each. */
  private draw(lines: readonly string[]): void {
    const { stdout } = process;
    moveCursor(stdout, 0, -this.drawn);
    cursorTo(stdout, 0);
    clearScreenDown(stdout);
    const width = stdout.columns || 80;
    stdout.write(lines.map((line) => `${line.slice(0, width - 1)}\n`).join(''));
    this.drawn = lines.length;
  }

  private stop(): void {
    this.stopped = true;
    this.nap.wake();
  }
}

/** A URL may lack its scheme, and its path, which is /metrics then. */
function endpointOf(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    throw new UsageError(`${text} is no URL`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${text}: needs the http: or https: URL of the server's metrics`);
  }
  if (url.pathname === '/' && url.search === '') url.pathname = '/metrics';
  return url;
}
