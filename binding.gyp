# The addon by node-gyp. CMakeLists.txt is the other way to build it; both take their sources
# from native/sources.js and the engine from deps/build.js.
{
  'variables': {
    'engine_include': '<!(node deps/build.js --print include)',
    'node_addon_api': '<!(node native/node-addon-api.js)',
    # Set by scripts/build-addon.js in a checkout; a newer compiler's new warnings must not stop a
    # user's build.
    'vws_werror%': 0,
    # Set there too: libraries to link with in place of glibc's own.
    'vws_glibc_stubs%': '',
  },
  'targets': [
    {
      'target_name': 'verawebsockets',
      'sources': ['<!@(node native/sources.js)'],
      'include_dirs': ['native'],
      'defines': [
        'NAPI_VERSION=8',
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        # A worker may be stopped inside any call, and nothing can be thrown then.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
        'VWS_VERSION=<!(node -p "require(\'./package.json\').version")',
      ],
      'libraries': [
        '<!(node deps/build.js --print library)',
        '<!(node deps/build.js --print ssl)',
        '<!(node deps/build.js --print crypto)',
        '<!(node deps/build.js --print zlib)',
      ],
      'conditions': [
        ['OS=="win"', {
          # The published binary is made by MinGW-w64 (scripts/prebuild.js).
          'sources': ['native/windows/module.cc'],
          'defines': [
            '_WIN32_WINNT=0x0A00',
            'WIN32_LEAN_AND_MEAN',
            'NOMINMAX',
            'NOGDI',
            'NOCRYPT',
            'NDEBUG',
            '_CRT_SECURE_NO_WARNINGS',
            '_CRT_NONSTDC_NO_WARNINGS',
          ],
          'include_dirs': [
            '<(engine_include)',
            '<(node_addon_api)',
            '<!@(node deps/build.js --print headers)',
          ],
          'libraries': [
            'ws2_32.lib',
            'iphlpapi.lib',
            'bcrypt.lib',
            'ntdll.lib',
            'crypt32.lib',
            'user32.lib',
            'advapi32.lib',
          ],
          'msvs_settings': {
            'VCCLCompilerTool': {
              # Which C++ it is Node's own options say: 17 or later.
              'AdditionalOptions': ['/EHsc', '/utf-8', '/permissive-'],
              'WarningLevel': 4,
            },
          },
        }, {
          'cflags_cc': [
            '-std=c++17',
            '-O3',
            '-fvisibility=hidden',
            '-fvisibility-inlines-hidden',
            '-ffunction-sections',
            '-fdata-sections',
            '-Wall',
            '-Wextra',
            '-Wpedantic',
            '-isystem<(engine_include)',
            '-isystem<(node_addon_api)',
          ],
        }],
        ['OS!="win" and vws_werror==1', {'cflags_cc': ['-Werror']}],
        ['OS=="linux"', {
          # The engine's headers tell a debug build by its absence.
          'defines': ['NDEBUG'],
          'cflags_cc!': ['-fno-omit-frame-pointer'],
          'ldflags': [
            '-static-libstdc++',
            '-static-libgcc',
            '-pthread',
            '-Wl,--exclude-libs,ALL',
            '-Wl,-Bsymbolic',
            '-Wl,--gc-sections',
            '-Wl,-z,nodelete',
            '-Wl,-z,relro',
            '-Wl,-z,now',
            '-Wl,--version-script=<(module_root_dir)/cmake/exports.map',
          ],
          'libraries': ['-ldl'],
        }],
        ['OS=="linux" and vws_glibc_stubs!=""', {
          'sources': ['native/glibc/floor.cc'],
          'ldflags': ['-L<(vws_glibc_stubs)'],
          'libraries': ['-lpthread'],
        }],
        # Atomic operations on 64 bits, or on 8 (RISC-V, before GCC 14), which these processors lack.
        ['OS=="linux" and target_arch in "mips mipsel riscv64"', {'libraries': ['-l:libatomic.a']}],
        ['OS=="mac"', {
          'defines': ['NDEBUG'],
          # What "cflags_cc" and "ldflags" say elsewhere: those mean nothing here. For which macOS, Node's own say.
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
            'CLANG_CXX_LIBRARY': 'libc++',
            'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
            'GCC_INLINES_ARE_PRIVATE_EXTERN': 'YES',
            'GCC_OPTIMIZATION_LEVEL': '3',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'WARNING_CFLAGS': ['-Wall', '-Wextra', '-Wpedantic'],
            'OTHER_CPLUSPLUSFLAGS': [
              '-isystem<(engine_include)',
              '-isystem<(node_addon_api)',
              "<!@(node deps/build.js --print headers | sed 's/^./-isystem&/')",
            ],
            'OTHER_LDFLAGS': [
              '-Wl,-dead_strip',
              '-Wl,-exported_symbols_list,<(module_root_dir)/cmake/exports.darwin',
            ],
          },
        }],
        ['OS=="mac" and vws_werror==1', {
          'xcode_settings': {'GCC_TREAT_WARNINGS_AS_ERRORS': 'YES'},
        }],
      ],
    },
  ],
}
