/**
 * The binaries of the package, each by a literal path, which is what bundlers look for: they copy the file and put the
 * copy's name there. Without a bundler nothing here is called: load.ts finds the files by itself.
 *
 * `require` stands inside `try`, so that a binary which is not there is none that a bundler insists on, and behind a
 * plain comparison, so that one which is told the platform leaves the others out (docs/bundlers.md).
 */

/** A binary as a bundler left it. */
export interface Bundled {
  /** Its place below prebuilds/. */
  readonly file: string;
  /** The addon; or a file's name, from bundlers that only copy; or the error. Undefined on another platform. */
  load(): unknown;
}

/* eslint-disable @typescript-eslint/no-require-imports */
export const BINARIES: readonly Bundled[] = [
  {
    file: 'linux-x64/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'x64')
          return require('../../prebuilds/linux-x64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-x64/verawebsockets.musl.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'x64')
          return require('../../prebuilds/linux-x64/verawebsockets.musl.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-arm64/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'arm64')
          return require('../../prebuilds/linux-arm64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-arm64/verawebsockets.musl.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'arm64')
          return require('../../prebuilds/linux-arm64/verawebsockets.musl.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-arm/verawebsockets.armv7.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'arm')
          return require('../../prebuilds/linux-arm/verawebsockets.armv7.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-mipsel/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'mipsel')
          return require('../../prebuilds/linux-mipsel/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-s390x/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 's390x')
          return require('../../prebuilds/linux-s390x/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-ia32/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'ia32')
          return require('../../prebuilds/linux-ia32/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-ppc64/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'ppc64')
          return require('../../prebuilds/linux-ppc64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-riscv64/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && process.arch === 'riscv64')
          return require('../../prebuilds/linux-riscv64/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
  {
    file: 'linux-mips64el/verawebsockets.glibc.node',
    load(): unknown {
      try {
        if (process.platform === 'linux' && (process.arch as string) === 'mips64el')
          return require('../../prebuilds/linux-mips64el/verawebsockets.glibc.node');
      } catch (error) {
        return error;
      }
      return undefined;
    },
  },
];
