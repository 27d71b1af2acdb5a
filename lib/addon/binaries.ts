/**
 * The binaries there are, each in a package of its own, and each by a literal path, which is what bundlers look for:
 * they copy the file and put the copy's name there. Without a bundler nothing here is called: load.ts finds the files
 * by itself.
 *
 * `require` stands inside `try`, so that a binary which is not installed is none that a bundler insists on, and behind
 * a plain comparison, so that one which is told the platform leaves the others out (docs/bundlers.md).
 */

/** A binary as a bundler left it. */
export interface Bundled {
  /** Its place below prebuilds/. */
  readonly file: string;
  /** What brings it, an optional dependency of ours (scripts/platform-packages.js). */
  readonly package: string;
  /** The addon; or a file's name, from bundlers that only copy; or the error. Undefined on another platform. */
  load(): unknown;
}

/* eslint-disable @typescript-eslint/no-require-imports */
export const BINARIES: readonly Bundled[] = [
  {
    file: 'linux-x64/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-x64',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'x64')
          return require('@verawebsockets/linux-x64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-x64/verawebsockets.musl.node',
    package: '@verawebsockets/linux-x64-musl',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'x64')
          return require('@verawebsockets/linux-x64-musl/verawebsockets.musl.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-arm64/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-arm64',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'arm64')
          return require('@verawebsockets/linux-arm64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-arm64/verawebsockets.musl.node',
    package: '@verawebsockets/linux-arm64-musl',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'arm64')
          return require('@verawebsockets/linux-arm64-musl/verawebsockets.musl.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-arm/verawebsockets.armv7.glibc.node',
    package: '@verawebsockets/linux-arm',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'arm')
          return require('@verawebsockets/linux-arm/verawebsockets.armv7.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-mipsel/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-mipsel',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'mipsel')
          return require('@verawebsockets/linux-mipsel/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-s390x/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-s390x',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 's390x')
          return require('@verawebsockets/linux-s390x/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-ia32/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-ia32',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'ia32')
          return require('@verawebsockets/linux-ia32/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-ppc64/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-ppc64',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'ppc64')
          return require('@verawebsockets/linux-ppc64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-riscv64/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-riscv64',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'riscv64')
          return require('@verawebsockets/linux-riscv64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-mips64el/verawebsockets.glibc.node',
    package: '@verawebsockets/linux-mips64el',
    load(): unknown {
      try {
        if (process.platform === 'linux' && (process.arch as string) === 'mips64el')
          return require('@verawebsockets/linux-mips64el/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'win32-x64/verawebsockets.node',
    package: '@verawebsockets/win32-x64',
    load(): unknown {
      try {
        if (process.platform === 'win32' && process.arch === 'x64')
          return require('@verawebsockets/win32-x64/verawebsockets.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'darwin-x64/verawebsockets.node',
    package: '@verawebsockets/darwin-x64',
    load(): unknown {
      try {
        if (process.platform === 'darwin' && process.arch === 'x64')
          return require('@verawebsockets/darwin-x64/verawebsockets.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'darwin-arm64/verawebsockets.node',
    package: '@verawebsockets/darwin-arm64',
    load(): unknown {
      try {
        if (process.platform === 'darwin' && process.arch === 'arm64')
          return require('@verawebsockets/darwin-arm64/verawebsockets.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
];
