/**
 * The check that what belongs to one operating system stays in native/engine/os/.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { root } from '../support/root';

interface CheckSystems {
  checkSystems(): string[];
  problemsOfText(text: string): string[];
}

describe('what belongs to one operating system', () => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const check = require(join(root, 'scripts', 'check-systems.js')) as CheckSystems;

  it('stays in its folder', () => {
    assert.deepEqual(check.checkSystems(), []);
  });

  it('is found where it is a header', () => {
    for (const header of ['sys/socket.h', 'unistd.h', 'pthread.h', 'winsock2.h', 'stdlib.h'])
      assert.deepEqual(check.problemsOfText(`#include <${header}>`), [`1: includes <${header}>`]);
    const fine = '#include <cerrno>\n#include <openssl/ssl.h>\n# include "engine/os/socket.h"\n';
    assert.deepEqual(check.problemsOfText(fine), []);
  });

  it('is found where it is a condition', () => {
    const found = (line: string): string[] => check.problemsOfText(line);
    assert.deepEqual(found('#ifdef _WIN32'), ['1: asks for _WIN32']);
    assert.deepEqual(found('\n#  elif defined(__APPLE__)'), ['2: asks for __APPLE__']);
    assert.deepEqual(found('#if VWS_A && \\\n  defined(__GLIBC__)'), ['2: asks for __GLIBC__']);
    assert.deepEqual(found('#if __has_include(<linux/tcp.h>)').slice(0, 2), [
      '1: asks for __has_include',
      '1: asks for linux',
    ]);
    assert.deepEqual(found('#if defined(__SSE2__) && !VWS_A  // not __linux__\n#endif'), []);
  });
});
