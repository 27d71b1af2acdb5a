'use strict';

// apt with folders of its own: its chain of trust (Release signature, indexes, digests) for another
// suite, another architecture or sources, without touching the system's apt configuration.

const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('./run');

const APT_ETC = '/etc/apt';

function readIfThere(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function listFolder(folder) {
  try {
    return fs.readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

/** Entries of one-line style: "deb [options] URI suite component…". */
function parseOneLine(text) {
  const entries = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$/.exec(
      line,
    );
    if (!match) continue;
    const [, options = '', uri, suite, components] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    entries.push({ uri, suites: [suite], components: components.split(/\s+/), signedBy });
  }
  return entries;
}

/** Entries of deb822 style: stanzas of "Field: value". */
function parseDeb822(text) {
  const entries = [];
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = {};
    let last;
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) continue;
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match) {
        last = match[1].toLowerCase();
        fields[last] = match[2];
      } else if (last && /^\s/.test(line)) {
        fields[last] += `\n${line}`;
      }
    }
    if (!fields.uris || !fields.suites || /^no|^false|^0/i.test(fields.enabled ?? 'yes')) continue;
    for (const uri of fields.uris.trim().split(/\s+/)) {
      entries.push({
        uri,
        suites: fields.suites.trim().split(/\s+/),
        components: (fields.components ?? '').trim().split(/\s+/),
        signedBy: fields['signed-by'],
      });
    }
  }
  return entries;
}

function configuredEntries() {
  const files = [
    path.join(APT_ETC, 'sources.list'),
    ...listFolder(path.join(APT_ETC, 'sources.list.d')),
  ];
  return files.flatMap((file) => {
    if (file.endsWith('.list')) return parseOneLine(readIfThere(file));
    if (file.endsWith('.sources')) return parseDeb822(readIfThere(file));
    return [];
  });
}

function osRelease() {
  const text = readIfThere('/etc/os-release');
  const field = (name) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

/**
 * Where the pinned suite can be had: this machine's own mirror if it carries it, the mirror of
 * another Debian release with the suite's name put in its place, else (Ubuntu and others) the one
 * that DEBIAN_MIRROR names, or debootstrap's.
 */
function chooseEntry(pin) {
  const entries = configuredEntries().filter((entry) => entry.components.includes('main'));
  const exact = entries.find((entry) => entry.suites.includes(pin.suite));
  if (exact) return exact;
  const { id, codename } = osRelease();
  const names = [codename, 'stable', 'testing', 'unstable', 'sid'].filter(Boolean);
  if (id === 'debian') {
    const sibling = entries.find((entry) => entry.suites.some((suite) => names.includes(suite)));
    if (sibling) return sibling;
  }
  if (!fs.existsSync(pin.keyring)) {
    throw failure(
      `deps: ${pin.keyring} is missing, which verifies Debian's source packages ` +
        '(sudo apt-get install -y debian-archive-keyring)',
    );
  }
  return { uri: process.env.DEBIAN_MIRROR ?? mirrorOfDebootstrap(), signedBy: pin.keyring };
}

const DEBOOTSTRAP = '/usr/sbin/debootstrap';

/** Debian's public archive, as the package debootstrap names it. */
function mirrorOfDebootstrap() {
  const mirror = /^DEF_MIRROR="?(https?:[^\s"]+)/m.exec(readIfThere(DEBOOTSTRAP))?.[1];
  if (mirror) return mirror;
  throw failure(
    'deps: no Debian archive is known: set DEBIAN_MIRROR, or sudo apt-get install -y debootstrap',
  );
}

/** Whether this is a system that has another archive than Debian's. */
function isForeign() {
  return osRelease().id !== 'debian';
}

function sourcesFile(types, pin, entry) {
  const lines = [
    `Types: ${types}`,
    `URIs: ${entry.uri}`,
    `Suites: ${entry.suite ?? pin.suite}`,
    'Components: main',
  ];
  const signedBy = entry.signedBy ?? (fs.existsSync(pin.keyring) ? pin.keyring : undefined);
  if (signedBy) lines.push(`Signed-By: ${signedBy}`);
  return `${lines.join('\n')}\n`;
}

/** Where this machine has the suite's security updates from, if it does. */
function securityEntries(suite) {
  const name = `${suite}-security`;
  return configuredEntries()
    .filter((entry) => entry.suites.includes(name) && entry.components.includes('main'))
    .slice(0, 1)
    .map((entry) => ({ ...entry, suite: name }));
}

/**
 * Returns a function that runs apt-get on the pin's suite, with all its state below folder and its
 * indexes fetched.
 *
 * pin: { suite, keyring }; types: "deb" or "deb-src"; architecture: Debian's name, for
 * packages of a foreign one, as if nothing were installed; security: with the suite's security updates, where this
 * machine has them from.
 */
function privateApt({ pin, types, folder, architecture, security: wanted = false }) {
  for (const name of ['parts', 'lists/partial', 'cache/archives/partial', 'preferences']) {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
  }
  const status = path.join(folder, 'status');
  fs.writeFileSync(status, '');
  const list = (entries) =>
    fs.writeFileSync(
      path.join(folder, 'parts', 'pinned.sources'),
      entries.map((entry) => sourcesFile(types, pin, entry)).join('\n'),
    );
  const options = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': path.join(folder, 'parts'),
    'Dir::State::Lists': path.join(folder, 'lists'),
    'Dir::Cache': path.join(folder, 'cache'),
    ...(architecture
      ? {
          'Dir::State::status': status,
          'Dir::State::extended_states': path.join(folder, 'extended_states'),
          'APT::Architecture': architecture,
          'APT::Architectures': architecture,
          'APT::Install-Recommends': 'false',
          'Debug::NoLocking': 'true',
        }
      : {}),
    // apt would otherwise drop to a user who may not be able to write below this folder.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const env = { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (args, { cwd = folder } = {}) =>
    run('apt-get', [...flags, '-qq', ...args], { cwd, env });
  const entry = chooseEntry(pin);
  const security = wanted ? securityEntries(pin.suite) : [];
  try {
    list([entry, ...security]);
    apt(['update']);
  } catch (error) {
    if (security.length === 0) throw error;
    // Mirrors carry them apart, and not for every architecture.
    const what = `${pin.suite}'s security updates for ${architecture ?? 'its sources'}`;
    process.stderr.write(`warning: ${what} cannot be had now; the release is taken as it is\n`);
    list([entry]);
    apt(['update']);
  }
  return apt;
}

module.exports = { privateApt, isForeign, configuredEntries, parseOneLine, parseDeb822 };
