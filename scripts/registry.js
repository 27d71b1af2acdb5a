'use strict';

// A package registry on this machine, in memory: what is published to it can be installed from it, as from the public
// one, by every package manager. There is nothing else in it.
//
// In a process of its own (this file started as a program), so that a command of npm's may be waited for. It ends when
// its standard input does.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { run, failure } = require('../deps/run');
const { pack, packPlatform } = require('./package');
const { writePlatformPackage } = require('./platform-packages');
const { TARGETS, hostTarget } = require('./targets');
const { root } = require('./checkout');

/** What the public registry has in its short answers ("application/vnd.npm.install-v1+json"): not "libc". */
const SHORT = [
  'name',
  'version',
  'dependencies',
  'optionalDependencies',
  'bundleDependencies',
  'bundledDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'bin',
  'directories',
  'dist',
  'engines',
  'os',
  'cpu',
];

const short = (manifest) =>
  Object.fromEntries(SHORT.flatMap((key) => (key in manifest ? [[key, manifest[key]]] : [])));

class Packages {
  /** The full answer for each name, in the order of publication. */
  #documents = new Map();
  #tarballs = new Map();

  get names() {
    return [...this.#documents.keys()];
  }

  /** As npm publish sends it. */
  put(document, base) {
    const known = this.#documents.get(document.name);
    const [version] = Object.keys(document.versions);
    if (known?.versions[version]) return 409;
    for (const [name, { data }] of Object.entries(document._attachments))
      this.#add(
        document.versions[version],
        Buffer.from(data, 'base64'),
        `${base}/${document.name}/-/${name}`,
      );
    return 201;
  }

  #add(manifest, bytes, address) {
    const { pathname } = new URL(address);
    this.#tarballs.set(decodeURIComponent(pathname), bytes);
    const digest = (name, encoding) => crypto.createHash(name).update(bytes).digest(encoding);
    const dist = {
      tarball: address,
      shasum: digest('sha1', 'hex'),
      integrity: `sha512-${digest('sha512', 'base64')}`,
    };
    const { name, version } = manifest;
    const document = this.#documents.get(name) ?? { name, versions: {}, time: {} };
    document.versions[version] = { ...manifest, dist };
    document.time[version] = new Date().toISOString();
    document['dist-tags'] = { latest: version };
    this.#documents.set(name, document);
  }

  document(name, isShort) {
    const document = this.#documents.get(name);
    if (!document || !isShort) return document;
    const versions = Object.entries(document.versions).map(([key, value]) => [key, short(value)]);
    return { name, 'dist-tags': document['dist-tags'], versions: Object.fromEntries(versions) };
  }

  tarball(pathname) {
    return this.#tarballs.get(pathname);
  }
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function serve() {
  const packages = new Packages();
  const server = http.createServer(async (request, response) => {
    const base = `http://127.0.0.1:${server.address().port}`;
    const pathname = decodeURIComponent(new URL(request.url, base).pathname);
    const answer = (status, value) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (request.method === 'PUT') {
      const status = packages.put(JSON.parse(await bodyOf(request)), base);
      return answer(status, status === 201 ? { ok: true } : { error: 'it is there already' });
    }
    if (pathname === '/-/names') return answer(200, packages.names);
    const bytes = packages.tarball(pathname);
    if (bytes) return response.end(bytes);
    const isShort = /vnd\.npm\.install-v1/.test(request.headers.accept ?? '');
    const document = packages.document(pathname.slice(1), isShort);
    return document ? answer(200, document) : answer(404, { error: 'not found' });
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
  process.stdin.resume().on('end', () => process.exit());
}

class Registry {
  #child;
  /** What publishHere() has put there, as npm pack tells of it: this machine's platform package, and the main one. */
  packages = [];

  static async start() {
    const child = spawn(process.execPath, [__filename], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = await once(child.stdout, 'data');
    const registry = new Registry();
    registry.#child = child;
    registry.url = `http://127.0.0.1:${Number(line)}/`;
    return registry;
  }

  /** For npm and pnpm, and for Yarn and Bun, which have names of their own for it. Anybody may publish. */
  get environment() {
    return {
      npm_config_registry: this.url,
      [`npm_config_${this.url.slice('http:'.length)}:_authToken`]: 'anybody',
      YARN_NPM_REGISTRY_SERVER: this.url.slice(0, -1),
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    };
  }

  /** A tarball, as it is. */
  async put(file) {
    const manifest = JSON.parse(run('tar', ['-xzOf', file, 'package/package.json']));
    const { name, version } = manifest;
    const data = fs.readFileSync(file).toString('base64');
    const response = await fetch(`${this.url}${encodeURIComponent(name)}`, {
      method: 'PUT',
      body: JSON.stringify({
        name,
        versions: { [version]: manifest },
        _attachments: { [path.basename(file)]: { data } },
      }),
    });
    if (!response.ok) throw failure(`${file}: ${response.status} ${await response.text()}`);
  }

  /** Of what was published, the earliest first. */
  async names() {
    return await (await fetch(`${this.url}-/names`)).json();
  }

  close() {
    this.#child.stdin.end();
  }
}

/** A platform package without npm: for binaries that nobody runs here. */
function packStandIn(target, folder) {
  const staging = path.join(folder, `stand-in-${target.name}`);
  const binary = path.join(folder, 'stand-in.node');
  fs.writeFileSync(binary, 'this target was not built\n');
  writePlatformPackage(target, path.join(staging, 'package'), binary);
  const file = path.join(folder, `${target.name}.tgz`);
  run('tar', ['-czf', file, '-C', staging, 'package']);
  fs.rmSync(staging, { recursive: true });
  return file;
}

/**
 * For tests of the package on this machine: a registry with the main package and all platform packages. This machine's
 * has the binary of build/Release where the checkout has no prebuilt one, the others one that cannot be loaded.
 */
async function publishHere(folder) {
  const own = hostTarget();
  if (!own) throw failure('no target of scripts/targets.js is for this machine');
  const prebuilt = path.join(root, own.file);
  const built = path.join(root, 'build', 'Release', 'verawebsockets.node');
  const ownPackage = packPlatform(own, folder, fs.existsSync(prebuilt) ? prebuilt : built);
  const mainPackage = pack(folder);
  const files = TARGETS.map((target) =>
    target === own ? ownPackage.file : packStandIn(target, folder),
  );
  const registry = await Registry.start();
  for (const file of [...files, mainPackage.file]) await registry.put(file);
  registry.packages = [ownPackage, mainPackage];
  return registry;
}

if (require.main === module) serve();

module.exports = { Registry, publishHere };
