/** A server with a broker of the package, as a user writes it. */
import { clusterBroker } from 'verawebsockets/brokers/cluster';
import { natsBroker } from 'verawebsockets/brokers/nats';
import { redisBroker } from 'verawebsockets/brokers/redis';
import { WebSocketServer, type Broker, type BrokerStats } from 'verawebsockets';
const server = new WebSocketServer({ noServer: true, broker: clusterBroker({ name: 'x' }) });
const brokers: Broker[] = [natsBroker({}, { prefix: 'x.' }), redisBroker({}, { sharded: true })];
const stats: BrokerStats | undefined = server.brokerStats;
const waiting: number | undefined = stats?.waitingBytes;
server.metrics({ peers: brokers.length > 0 && waiting === 0 });
