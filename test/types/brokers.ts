/** A server with a broker of the package, as a user writes it. */
import { clusterBroker } from 'verawebsockets/brokers/cluster';
import { WebSocketServer } from 'verawebsockets';
new WebSocketServer({ noServer: true, broker: clusterBroker({ name: 'x' }) });
