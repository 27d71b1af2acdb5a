// @nestjs/platform-ws, @nestjs/websockets, @nestjs/core: a gateway
import assert from 'node:assert/strict';
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import WebSocket from 'ws';
import { done, event } from './support.mjs';

class Gateway {
  echo(data) {
    return { event: 'echoed', data };
  }
}
SubscribeMessage('echo')(
  Gateway.prototype,
  'echo',
  Object.getOwnPropertyDescriptor(Gateway.prototype, 'echo'),
);
MessageBody()(Gateway.prototype, 'echo', 0);
WebSocketGateway()(Gateway);
class App {}
Module({ providers: [Gateway] })(App);
const app = await NestFactory.create(App, { logger: false });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');
const socket = new WebSocket(`ws://127.0.0.1:${app.getHttpServer().address().port}`);
await event(socket, 'open');
socket.send(JSON.stringify({ event: 'echo', data: { a: 1 } }));
assert.deepEqual(JSON.parse(String(await event(socket, 'message'))), {
  event: 'echoed',
  data: { a: 1 },
});
await app.close();
done();
