/** A worker of a cluster: a server over TLS on a port of its own, with the keys that the primary sends, also later. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from '../../../lib';

export interface Settings {
  cert: string;
  key: string;
  /** In base64. */
  ticketKeys: string;
}

let server: WebSocketServer | undefined;

async function take({ ticketKeys, ...identity }: Settings): Promise<void> {
  const settings = { ...identity, ticketKeys: Buffer.from(ticketKeys, 'base64') };
  if (server) server.setSecureContext(settings);
  else {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...settings });
    server.on('connection', (socket) => socket.send(String(process.pid)));
    await once(server, 'listening');
  }
  process.send?.((server.address() as AddressInfo).port);
}

process.on('message', (settings: Settings) => void take(settings));
