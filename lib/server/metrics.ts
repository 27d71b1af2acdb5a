/** `server.metrics()`: what a server is doing, for Prometheus and its like. */
import { environment } from '../addon/environment';
import { laneLoads, TURN_BOUNDS, turnTimes, type LaneLoad } from '../addon/turn-times';
import { checkBoolean } from '../options/checks';
import type { WebSocket } from '../websocket/websocket';
import type { BrokerStats } from './broker';
import type { LoopDelays } from './loop-delay';
import { checkLabels, OpenMetrics, type Labels, type Sample } from './openmetrics';
import type { Population } from './population';
import type { ServerStats } from './stats';
import { addTo } from './tally';

/** Options of {@link WebSocketServer.metrics}. */
export interface MetricsOptions {
  /** Labels of every sample, to tell several servers apart. Default: none. */
  labels?: Readonly<Record<string, string>> | undefined;
  /** Tells the addresses of the slowest peers. A label of each: not for a database. Default false. */
  peers?: boolean | undefined;
}

/** What of it is used. */
export interface MetricsSettings {
  labels: Labels;
  peers: boolean;
}

/** @throws TypeError for wrong options. */
export function metricsSettings({
  labels = {},
  peers = false,
}: MetricsOptions = {}): MetricsSettings {
  return {
    labels: checkLabels('options.labels', labels),
    peers: checkBoolean('options.peers', peers),
  };
}

/** The sockets for which most waits: so many are told of. */
const SLOWEST = 5;

/** Address and port; '' for who has none, as over a Unix socket. */
function peerOf({ remoteAddress = '', remoteFamily, remotePort }: WebSocket): string {
  if (remoteAddress === '') return '';
  return `${remoteFamily === 'IPv6' ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}

/** The few of many for which most waits. */
class Slowest {
  /** The most first. */
  readonly #found: { bytes: number; socket: WebSocket }[] = [];

  add(socket: WebSocket): void {
    const bytes = socket.bufferedAmount;
    const last = this.#found[SLOWEST - 1];
    if (bytes === 0 || (last && bytes <= last.bytes)) return;
    const place = this.#found.findIndex((one) => one.bytes < bytes);
    this.#found.splice(place === -1 ? this.#found.length : place, 0, { bytes, socket });
    this.#found.length = Math.min(this.#found.length, SLOWEST);
  }

  samples(peers: boolean): Sample[] {
    return Array.from({ length: SLOWEST }, (_, i): Sample => {
      const { bytes = 0, socket } = this.#found[i] ?? {};
      return [bytes, { rank: String(i + 1), ...(peers && socket && { peer: peerOf(socket) }) }];
    });
  }
}

function addBroker(text: OpenMetrics, stats: BrokerStats): void {
  const counters: readonly [string, string, number][] = [
    ['messages_published', 'Messages that have reached the broker.', stats.published],
    ['messages_received', 'Messages of other servers, by the broker.', stats.received],
    ['messages_late', 'Messages of other servers that were overtaken, and dropped.', stats.late],
    ['messages_lost', 'Messages that are not known to have reached the broker.', stats.lost],
    ['lost_payload_bytes', 'Their payload.', stats.lostBytes],
    ['errors', 'Errors of the broker.', stats.errors],
    ['reconnects', 'Connections of the broker that were there again.', stats.reconnects],
  ];
  for (const [name, help, value] of counters) {
    text.counter(`verawebsockets_broker_${name}`, help, [value]);
  }
  const help = 'What waits for the broker, with its headers.';
  text.gauge('verawebsockets_broker_waiting_bytes', help, [stats.waitingBytes]);
}

/** Why the engine's listener has closed a connection before its request was whole, or instead of passing it on. */
const LISTENER_REFUSALS: readonly [string, keyof ServerStats][] = [
  ['timeout', 'timeouts'],
  ['malformed', 'malformed'],
  ['header_size', 'overHeaderSize'],
  ['headers_count', 'overHeadersCount'],
  ['tls', 'tlsFailures'],
  ['proxy', 'proxyFailures'],
  ['not_upgrade', 'notUpgrades'],
  ['connections', 'overLimit'],
  ['connections_per_address', 'overLimitPerAddress'],
];

/** Which limit has ended a connection that was open. */
const EXCESSES: readonly [string, keyof ServerStats][] = [
  ['idle', 'idle'],
  ['payload', 'overPayload'],
  ['fragments', 'overFragments'],
  ['pending_pongs', 'overPendingAutoPongs'],
];

function reasons(names: readonly [string, keyof ServerStats][], stats: ServerStats): Sample[] {
  return names.map(([reason, field]) => [stats[field], { reason }]);
}

/**
 * The text. Connections are asked for their counters now, one after the other: they count for themselves all the time,
 * and nothing is done for a message.
 *
 * @param stats of the server.
 * @param broker of its broker, if it has one.
 */
export function metricsText(
  population: Population,
  stats: ServerStats,
  delays: LoopDelays | undefined,
  broker: BrokerStats | undefined,
  { labels, peers }: MetricsSettings,
): string {
  const { sockets, tally, undecided } = population;
  const sums = { ...tally.sums };
  let pressed = 0;
  let sendQueue = 0;
  const slowest = new Slowest();
  for (const socket of sockets) {
    const { stats: own } = socket;
    addTo(sums, own);
    sendQueue += own.sendQueueBytes;
    if (socket.writableNeedDrain) pressed += 1;
    slowest.add(socket);
  }
  const text = new OpenMetrics(labels);
  text.gauge('verawebsockets_connections', 'WebSockets that are open.', [sockets.size]);
  text.gauge('verawebsockets_handshakes', 'Opening handshakes under way.', [
    stats.handshakes + undecided,
  ]);
  text.gauge(
    'verawebsockets_backpressured_connections',
    'WebSockets whose send queue is above highWaterMark.',
    [pressed],
  );
  text.gauge('verawebsockets_send_queue_bytes', 'Payload that waits to be given to the system.', [
    sendQueue,
  ]);
  text.gauge(
    'verawebsockets_slowest_peer_bytes',
    'Payload that waits for the WebSockets for which most waits, by rank.',
    ...slowest.samples(peers),
  );
  text.counter('verawebsockets_connections_opened', 'WebSockets that were let in.', [tally.opened]);
  text.counter(
    'verawebsockets_connections_closed',
    'WebSockets that have ended, by close code.',
    ...[...tally.closed].map(([code, count]): Sample => [count, { code }]),
  );
  text.counter(
    'verawebsockets_handshake_failures',
    'Opening handshakes that have not led to a WebSocket.',
    ...[...tally.refused].map(([reason, count]): Sample => [count, { reason }]),
    ...reasons(LISTENER_REFUSALS, stats),
  );
  text.counter(
    'verawebsockets_connections_dropped',
    'WebSockets that were ended for a limit.',
    ...reasons(EXCESSES, stats),
  );
  text.counter(
    'verawebsockets_messages_dropped',
    'Messages that were not sent.',
    [stats.overSendLimit, { reason: 'send_limit' }],
    [stats.overPublishLimit, { reason: 'publish_limit' }],
  );
  text.counter('verawebsockets_messages_received', 'Messages received.', [sums.messagesReceived]);
  text.counter('verawebsockets_messages_sent', 'Messages sent.', [sums.messagesSent]);
  text.counter('verawebsockets_received_bytes', 'Received, with the headers of frames.', [
    sums.wireBytesReceived,
  ]);
  text.counter('verawebsockets_sent_bytes', 'Sent, with the headers of frames.', [
    sums.wireBytesSent,
  ]);
  text.counter('verawebsockets_received_payload_bytes', 'Payload of messages received.', [
    sums.payloadBytesReceived,
  ]);
  text.counter('verawebsockets_sent_payload_bytes', 'Payload of messages sent.', [
    sums.payloadBytesSent,
  ]);
  const turns = turnTimes(environment().addon);
  text.histogram(
    'verawebsockets_engine_turn_seconds',
    "Turns of the engine, of all of the thread's connections.",
    TURN_BOUNDS,
    turns.counts,
    turns.sum,
  );
  const lanes = laneLoads(environment().addon);
  const byLane = (value: (load: LaneLoad) => number): Sample[] =>
    lanes.map((load, lane) => [value(load), { lane: String(lane) }]);
  text.gauge(
    'verawebsockets_lane_connections',
    "Connections of each of the engine's threads, handshakes included.",
    ...byLane(({ connections }) => connections),
  );
  text.counter(
    'verawebsockets_lane_busy_seconds',
    "How long the turns of each of the engine's threads took.",
    ...byLane(({ busy }) => busy),
  );
  if (delays) {
    text.summary(
      'verawebsockets_event_loop_delay_seconds',
      "How late Node's event loop is; quantiles since they were last asked for.",
      delays.quantiles,
      delays.count,
      delays.sum,
    );
  }
  if (broker) addBroker(text, broker);
  return text.end();
}
