// @kubernetes/client-node: exec, with the agent that it makes of the configuration
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { Exec, KubeConfig } from '@kubernetes/client-node';
import { done, wsServer } from './support.mjs';

const { port } = await wsServer(
  (socket, request) => {
    socket.send(Buffer.concat([Buffer.from([1]), Buffer.from(request.headers.authorization)]));
  },
  { handleProtocols: (protocols) => [...protocols][0] },
);
const config = new KubeConfig();
config.loadFromOptions({
  clusters: [{ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
  users: [{ name: 'u', token: 'secret' }],
  contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
  currentContext: 'x',
});
const stdout = new PassThrough();
const output = new Promise((resolve) => stdout.once('data', resolve));
await new Exec(config).exec('ns', 'pod', 'container', ['ls'], stdout, null, null, false);
assert.equal(String(await output), 'Bearer secret');
done();
