/**
 * The addon asks for nothing of glibc that is younger than the floor, and what stands in for that
 * (native/glibc/floor.cc) works.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/root';

interface Target {
  triplet: string;
  glibcFloor: string;
  ceilingBytes: number;
}
type Problems = (file: string, target: Target, options: { size: number }) => string[];

const requireFromRoot = createRequire(join(root, 'package.json'));
const script = (name: string): unknown => requireFromRoot(`./scripts/${name}`);
const { problemsOf, strippedSize } = script('check-binary.js') as {
  problemsOf: Problems;
  strippedSize: (file: string, target: Target) => number;
};
const { hostStubs } = script('cross/host-stubs.js') as { hostStubs: () => string };
const { hostTarget } = script('targets.js') as {
  hostTarget: () => Target;
};
const elf = script('elf.js') as {
  dynamicSymbols: (file: string) => { name: string; defined: boolean }[];
  versionsNeeded: (file: string) => string[];
  glibcNumber: (version: string) => number;
};

const binary =
  process.env.VERAWEBSOCKETS_BINARY ?? join(root, 'build', 'Release', 'verawebsockets.node');

/** Uses everything that floor.cc defines, by way of what calls it. */
const PROGRAM = `
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void raise(int value) {
  if (value > 0) throw std::runtime_error("raised");
}

int main(int argc, char** argv) {
  try {
    raise(argc);
  } catch (const std::runtime_error& error) {
    std::printf("%s\\n", error.what());
  }
  struct stat a{}, b{}, c{};
  const int fd = open(argv[1], O_RDONLY);
  std::printf("%d %d %d\\n", stat(argv[1], &a), lstat(argv[1], &b), fstat(fd, &c));
  std::printf("%ld %ld %ld\\n", long(a.st_size), long(b.st_size), long(c.st_size));
  std::printf("%d\\n", stat("/nowhere", &a));
  std::mutex mutex;
  std::condition_variable condition;
  std::unique_lock<std::mutex> lock(mutex);
  const auto start = std::chrono::steady_clock::now();
  const bool met =
      condition.wait_for(lock, std::chrono::milliseconds(30), [] { return false; });
  const auto waited = std::chrono::steady_clock::now() - start;
  std::printf("%d %d\\n", met, waited >= std::chrono::milliseconds(30));
}
`;

describe('glibc floor', () => {
  it('is held by the addon, as are its exports, its libraries and its ceiling', () => {
    const target = hostTarget();
    const size = strippedSize(binary, target);
    assert.deepEqual(problemsOf(binary, target, { size }), []);
  });

  it('is noticed when it is broken, as are the ceiling and a foreign machine', () => {
    const target = { ...hostTarget(), glibcFloor: '2.1', elfMachine: 'PDP-11', ceilingBytes: 1 };
    const problems = problemsOf(binary, target, { size: 2 }).join('\n');
    assert.match(problems, /^is for .*, not for PDP-11\n/);
    assert.match(problems, /needs GLIBC_.*: over 2\.1\n/);
    assert.match(problems, /has 2 bytes, over its ceiling of 1$/);
  });

  it('leaves what is younger out of what is linked with', () => {
    const symbols = elf.dynamicSymbols(join(hostStubs(), 'libc.so.6'));
    const names = symbols.filter(({ defined }) => defined).map(({ name }) => name);
    assert.ok(names.includes('getrandom')); // 2.25
    assert.ok(!names.includes('gettid')); // 2.30
  });

  it('has a working substitute for what is needed of that', function () {
    this.timeout(60_000); // compiles
    const folder = mkdtempSync(join(tmpdir(), 'verawebsockets-'));
    try {
      const source = join(folder, 'program.cc');
      const program = join(folder, 'program');
      writeFileSync(source, PROGRAM);
      const options = ['-std=c++17', '-O1', `-L${hostStubs()}`, '-static-libstdc++'];
      options.push('-I', join(root, 'native'));
      // As the addon is linked: what libstdc++ needs for parts that are not used does not count.
      options.push('-Wl,--gc-sections');
      const inputs = [source, join(root, 'native', 'glibc', 'floor.cc')];
      const libraries = ['-static-libgcc', '-pthread', '-lpthread', '-ldl', '-o', program];
      execFileSync(process.env.CXX ?? 'c++', [...options, ...inputs, ...libraries]);
      const size = Buffer.byteLength(PROGRAM);
      const expected = ['raised', '0 0 0', `${size} ${size} ${size}`, '-1', '0 1', ''];
      assert.equal(execFileSync(program, [source]).toString(), expected.join('\n'));
      const floor = elf.glibcNumber(hostTarget().glibcFloor);
      for (const version of elf.versionsNeeded(program))
        assert.ok(elf.glibcNumber(version) <= floor, version);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
