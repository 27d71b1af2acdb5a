'use strict';

// What belongs to one operating system stays in native/engine/os/ (and in what joins us to Node's libuv,
// to glibc and to Windows' loader): elsewhere no file includes a system's header, and none asks which system it is.

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('./checkout');

const FREE = ['native/engine/os/', 'native/binding/uv_driver', 'native/glibc/', 'native/windows/'];

/** What may be included: our own, C++'s, those of the libraries we stand on, a processor's. */
const HEADERS =
  /^(?:"|<(?:[a-z_]+|openssl\/\w+\.h|libwebsockets\.h|zlib\.h|node_api\.h|napi\.h|uv\.h|immintrin\.h|arm_neon\.h)>)/;

/** What may be asked for: processors, versions of libraries, our own names, and C++'s. */
const CONDITIONS =
  /^(?:defined|__cplusplus|NDEBUG|__SSE\w+__|__AVX\w*__|__ARM_NEON(?:__)?|__aarch64__|__BYTE_ORDER__|__ORDER_\w+|__SANITIZE_\w+__|VWS_\w+|LWS_LIBRARY_VERSION_NUMBER|OPENSSL_\w+|ZLIB_VERNUM)$/;

function problemsOfLine(line) {
  const include = /^\s*#\s*include\s+(\S+)/.exec(line);
  if (include) return HEADERS.test(include[1]) ? [] : [`includes ${include[1]}`];
  const condition = /^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)/.exec(line);
  if (!condition) return [];
  const text = condition[1].replace(/\/\/.*|\/\*.*?\*\//g, '');
  const words = text.match(/\b[A-Za-z_]\w*/g) ?? [];
  return words.filter((word) => !CONDITIONS.test(word)).map((word) => `asks for ${word}`);
}

/** @returns {string[]} what is wrong, each with its line in front */
function problemsOfText(text) {
  const problems = [];
  let whole = '';
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    whole += line.replace(/\\$/, ' ');
    if (line.endsWith('\\')) continue;
    problems.push(...problemsOfLine(whole).map((what) => `${index + 1}: ${what}`));
    whole = '';
  }
  return problems;
}

/** @returns {string[]} what is wrong, a line each */
function checkSystems() {
  const folder = path.join(root, 'native');
  const files = fs
    .readdirSync(folder, { recursive: true })
    .map((name) => `native/${name.split(path.sep).join('/')}`)
    .filter((name) => /\.(?:cc|h)$/.test(name) && !FREE.some((start) => name.startsWith(start)));
  return files.flatMap((name) => {
    const found = problemsOfText(fs.readFileSync(path.join(root, name), 'utf8'));
    return found.map((problem) => `${name}:${problem}, which only native/engine/os/ may`);
  });
}

module.exports = { checkSystems, problemsOfText };
