// The documented functions.
import {
  close,
  configure,
  connect,
  ConnectionError,
  create,
  EVENTS,
  LOG_LEVELS,
  loop,
  ref,
  send,
  set_log_level,
  setLogLevel,
  unref,
  versions,
  type ConnectionStats,
  type CreateOptions,
  type EventHandlers,
  type ObjectState,
  type SslSettings,
  type Wso,
} from 'verawebsockets';

const handlers: EventHandlers = {
  1(reason, error) {
    const text: string = reason + error.code + error.reason + error.detail;
    const status: number | undefined = error.status;
    const known: boolean = error instanceof ConnectionError;
    void [text, status, known];
  },
  3() {
    const going: boolean = send(this, 'Hello world!');
    void going;
  },
  4: 'onClosed',
  8: (data) => (typeof data === 'string' ? data.startsWith('Hello') : data.readUInt8(0)),
  9: (payload) => payload.length,
  10: async () => {},
  38: (code, reason) => [code + 1, reason.length],
};
const settings: SslSettings = {
  client_ssl_cert_filepath: 'ws.pem',
  client_ssl_private_key_filepath: 'ws.key',
  client_ssl_private_key_password: 'secret',
  client_ssl_ca_filepath: 'ca.pem',
  client_ssl_cipher_list: 'ECDHE+AESGCM',
  reject_unauthorized: true,
};
const options: CreateOptions = {
  url: new URL('wss://host/'),
  event_handlers: handlers,
  ssl_settings: settings,
  standalone: true,
  protocols: ['chat'],
  headers: { 'X-A': ['1', '2'] },
  perMessageDeflate: { threshold: 0 },
  heartbeat: { interval: 1000 },
  proxy: 'env',
  fingerprint256: 'ab'.repeat(32),
};
const wso: Wso = create(options);
create({
  url: 'ws://host/',
  eventHandlers: handlers,
  sslSettings: { clientSslCertFilepath: 'ws.pem' },
});

connect(wso);
send(wso, Buffer.from('x'));
send(wso, new Uint8Array(1));
send(wso, new ArrayBuffer(1));
send(wso, new DataView(new ArrayBuffer(1)));
close(wso);
close(wso, 1000, 'bye');
ref(wso);
unref(wso);
loop();
set_log_level('all');
set_log_level(
  LOG_LEVELS.ERROR | LOG_LEVELS.WARNING,
  (level, line) => void [level + 1, line.length],
);
setLogLevel(0);
configure({ service: 'thread', threads: 2, inboundHighWaterMark: 1 << 20 });

const state: ObjectState = wso.state;
const stats: ConnectionStats | undefined = wso.stats;
const text: string = wso.url + wso.protocol + wso.extensions + versions().libwebsockets;
const closed: [number | undefined, string | undefined] = [wso.closeCode, wso.closeReason];
const error: ConnectionError | undefined = wso.error;
const id: 4 = EVENTS.CLOSED;
wso.ref().unref();
void [state, stats, text, closed, error, id];

// @ts-expect-error an unknown event
create({ url: 'ws://host/', event_handlers: { 2: () => {} } });
// @ts-expect-error an unknown setting
create({ url: 'ws://host/', ssl_settings: { ssl_cert_filepath: 'x' } });
// @ts-expect-error no URL
create({});
// @ts-expect-error a number
send(wso, 5);
// @ts-expect-error another word
set_log_level('none');
