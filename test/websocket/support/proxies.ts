/** Small proxies: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928, RFC 1929), with or without credentials. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ProxyOptions {
  /** Demand these; "user:password". */
  auth?: string;
  /** Connect to 127.0.0.1 whatever the name, so that names can be used that do not exist. */
  anyName?: boolean;
}

export interface Proxy {
  port: number;
  /** "host:port" of each tunnel, with "name" or "address" for SOCKS5 in front; "CONNECT" for HTTP. */
  tunnels: string[];
  /** Header of each CONNECT request. */
  requests: string[];
  close(): Promise<void>;
}

async function listen(handle: (socket: Socket, proxy: Proxy) => Promise<void>): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    handle(socket, proxy).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    tunnels: [],
    requests: [],
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return proxy;
}

/** Exactly so many bytes, or as many as `enough` asks for. */
function take(socket: Socket, enough: (bytes: Buffer) => number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let all = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      all = Buffer.concat([all, chunk]);
      const size = enough(all);
      if (size < 0 || all.length < size) return;
      socket.off('data', onData);
      socket.pause();
      if (all.length > size) socket.unshift(all.subarray(size));
      resolve(all.subarray(0, size));
    };
    socket.on('data', onData);
    socket.once('close', () => reject(new Error('closed')));
    socket.resume();
  });
}

function join(
  socket: Socket,
  host: string,
  port: number,
  options: ProxyOptions,
  ready: () => void,
): void {
  const upstream = connect(port, options.anyName ? '127.0.0.1' : host, () => {
    ready();
    socket.pipe(upstream).pipe(socket);
  });
  upstream.on('error', () => socket.destroy());
  socket.on('close', () => upstream.destroy());
  upstream.on('close', () => socket.destroy());
}

export function startHttpProxy(options: ProxyOptions = {}): Promise<Proxy> {
  return listen(async (socket, proxy) => {
    const header = (
      await take(socket, (bytes) => {
        const end = bytes.indexOf('\r\n\r\n');
        return end < 0 ? -1 : end + 4;
      })
    ).toString('latin1');
    proxy.requests.push(header);
    const [, host = '', port = ''] = /^CONNECT (.+):(\d+) HTTP\/1\.[01]\r\n/.exec(header) ?? [];
    const sent = /^proxy-authorization: basic (.*)\r$/im.exec(header)?.[1] ?? '';
    if (options.auth !== undefined && Buffer.from(sent, 'base64').toString() !== options.auth) {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    proxy.tunnels.push(`CONNECT ${host}:${port}`);
    join(socket, host.replace(/^\[|\]$/g, ''), Number(port), options, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nX-Proxy: small\r\n\r\n');
    });
  });
}

export function startSocksProxy(options: ProxyOptions = {}): Promise<Proxy> {
  return listen(async (socket, proxy) => {
    const methods = await take(socket, (bytes) =>
      bytes.length < 2 ? -1 : 2 + (bytes[1] as number),
    );
    const wanted = options.auth === undefined ? 0 : 2;
    if (!methods.subarray(2).includes(wanted)) {
      socket.end(Buffer.from([5, 0xff]));
      return;
    }
    socket.write(Buffer.from([5, wanted]));
    if (options.auth !== undefined) {
      const login = await take(socket, (bytes) => {
        if (bytes.length < 2) return -1;
        const user = bytes[1] as number;
        return bytes.length < 3 + user ? -1 : 3 + user + (bytes[2 + user] as number);
      });
      const user = login[1] as number;
      const given = `${login.subarray(2, 2 + user).toString()}:${login.subarray(3 + user).toString()}`;
      socket.write(Buffer.from([1, given === options.auth ? 0 : 1]));
      if (given !== options.auth) {
        socket.end();
        return;
      }
    }
    const request = await take(socket, (bytes) => {
      if (bytes.length < 5) return -1;
      return { 1: 10, 3: 7 + (bytes[4] as number), 4: 22 }[bytes[3] as 1 | 3 | 4] ?? 4;
    });
    const port = request.readUInt16BE(request.length - 2);
    const address = request.subarray(4, -2);
    const named = request[3] === 3;
    const host = named
      ? address.subarray(1).toString()
      : request[3] === 1
        ? address.join('.')
        : (address.toString('hex').match(/..../g) ?? []).join(':');
    proxy.tunnels.push(`${named ? 'name' : 'address'} ${host}:${port}`);
    join(socket, host, port, options, () =>
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
    );
  });
}
