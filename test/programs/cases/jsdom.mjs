// jsdom: the WebSocket of a page, with cookies and an origin
import assert from 'node:assert/strict';
import { CookieJar, JSDOM } from 'jsdom';
import { done, event, wsServer } from './support.mjs';

const { url, port } = await wsServer((socket, { headers }) => {
  socket.send(JSON.stringify([headers.origin, headers.cookie]));
});
const cookieJar = new CookieJar();
const page = `http://127.0.0.1:${port}/`;
cookieJar.setCookieSync('a=b', page);
const { window } = new JSDOM('', { url: page, cookieJar });
const socket = new window.WebSocket(url);
const { data } = await event(socket, 'message');
assert.deepEqual(JSON.parse(data), [page.slice(0, -1), 'a=b']);
const closed = event(socket, 'close');
socket.close(4000, 'enough');
const { code, wasClean } = await closed;
assert.deepEqual([code, wasClean], [4000, true]);
done();
