'use strict';

// A server that Prometheus can watch: WebSockets on one port, metrics on another, which only this machine can reach.
//
//   node examples/metrics/server.js [PORT [METRICS_PORT]]
//
// In this folder: prometheus --config.file=prometheus.yml, and dashboard.json for Grafana (Dashboards, New, Import).

const http = require('node:http');
const { WebSocketServer } = require('verawebsockets');

const [port = 8080, metricsPort = 9464] = process.argv.slice(2).map(Number);

const server = new WebSocketServer({ port, host: '127.0.0.1', eventLoopDelay: true });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', (error) => console.error(error.message));
});
server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});

const metrics = http.createServer((request, response) => {
  if (request.url !== '/metrics') {
    response.writeHead(404).end();
    return;
  }
  response.setHeader('Content-Type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  response.end(server.metrics({ labels: { server: 'feed' } }));
});

server.on('listening', () => {
  metrics.listen(metricsPort, '127.0.0.1', () => {
    console.log(`WebSockets: ws://127.0.0.1:${server.address().port}`);
    console.log(`metrics: http://127.0.0.1:${metrics.address().port}/metrics`);
  });
});

process.once('SIGTERM', async () => {
  // The last readings tell how it went.
  await server.drain({ spread: 5000, deadline: 9000 });
  metrics.close();
  metrics.closeAllConnections();
});
