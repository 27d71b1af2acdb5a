// What this package adds to the WebSocket class.
import {
  HandshakeResponse,
  StandardWebSocket,
  WebSocket,
  WebSocketError,
  type ReconnectInfo,
  type ReconnectOptions,
  type WebSocketStats,
} from 'verawebsockets';

const reconnect: ReconnectOptions = {
  min: 100,
  max: 10_000,
  factor: 2,
  jitter: 0.5,
  attempts: 10,
  unsent: 'keep',
  when: (info: ReconnectInfo) => info.code !== 4000 && info.error === undefined,
};

async function use(): Promise<void> {
  const socket: WebSocket = await WebSocket.connect('wss://h', {
    heartbeat: { interval: 1000, timeout: 500 },
    reconnect,
    proxy: 'socks5h://user:password@proxy:1080',
    fingerprint256: ['AA:BB'],
    sendLimit: 1024,
    highWaterMark: 512,
    signal: AbortSignal.timeout(1000),
    headers: new Map([['a', 'b']]),
  });
  const face: StandardWebSocket = await StandardWebSocket.connect('ws://h', ['p'], {
    proxy: 'env',
    reconnect: true,
  });
  class Mine extends WebSocket {
    readonly mine = 1;
  }
  const mine: Mine = await Mine.connect('ws://h');

  const goOn: boolean = socket.send('x');
  socket.on('drain', () => goOn);
  socket.on('reconnecting', ({ attempt, delay }) => attempt + delay);
  socket.on('reconnected', (attempts) => attempts + 1);
  socket.addEventListener('reconnecting', (event) => event.attempt + event.delay);
  socket.addEventListener('drain', (event) => event.target.send('more'));
  socket.binaryType = 'blob';
  const stats: WebSocketStats = socket.stats;
  const trip: number = stats.roundTripTime + stats.sentCompressionRatio;
  socket.unref().ref();
  for await (const message of socket) {
    if (typeof message === 'string') message.toUpperCase();
  }
  socket.on('upgrade', (response: HandshakeResponse) => response.socket.remoteAddress);
  socket.on('error', (error) => {
    if (error instanceof WebSocketError)
      void [error.code, error.reason, error.detail, error.status];
  });
  void [face, mine, trip];
}

// @ts-expect-error not an option
new WebSocket('ws://h', { noSuchOption: true });
// @ts-expect-error refused at run time as well: use proxy
new WebSocket('ws://h', { agent: {} });
// A server's, as ws makes them; it is given its socket later.
new WebSocket(null);
void use;
