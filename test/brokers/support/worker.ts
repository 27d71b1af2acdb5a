/** A worker of a cluster, with a server that publishes what its primary says, and tells what it gets. */
import { clusterBroker } from '../../../lib/brokers/cluster';
import { Party, type Guest } from './party';

/** What the primary says; it is answered with `done`, and by what `tell` asks for. */
export interface Order {
  order: 'join' | 'leave' | 'publish' | 'got' | 'stats' | 'second' | 'close';
  data?: string;
  /** For `got`: so many messages. */
  count?: number;
}

const broker = clusterBroker();
let party: Party | undefined;
let guest: Guest | undefined;

async function obey({ order, data = '', count = 0 }: Order): Promise<unknown> {
  party ??= await Party.begin({ broker });
  guest ??= await party.join();
  switch (order) {
    case 'join':
      return guest.socket.subscribe('news');
    case 'leave':
      return guest.socket.unsubscribe('news');
    case 'publish':
      return party.server.publish('news', Buffer.from(data, 'base64'));
    case 'got':
      await guest.has(count);
      return guest.got;
    case 'stats':
      return party.server.brokerStats;
    case 'second':
      return Party.begin({ broker }).catch((error: { code: string }) => error.code);
    case 'close':
      await party.end();
      return 'closed';
  }
}

process.on('message', (message: Order) => {
  if (message.order) void obey(message).then((answer) => process.send?.({ answer }));
});
