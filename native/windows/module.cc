// What the addon needs as a library of Windows'. Only there it is compiled.

#include <windows.h>

#ifdef __MINGW32__
#include <delayimp.h>

#include <cstring>
#endif

namespace {

// Stays loaded: threads that look names up may outlive the environment that has asked them.
const bool pinned = [] {
  static const char place = 0;
  HMODULE self = nullptr;
  return GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                            reinterpret_cast<LPCWSTR>(&place), &self) != 0;
}();

}  // namespace

// With Microsoft's compiler node-gyp and cmake-js bring a file that does this.
#ifdef __MINGW32__

namespace {

// The functions of Node-API are said to be node.exe's. They are those of the program that has loaded us, which may have
// another name: a Node that was renamed, Electron, Bun.
FARPROC WINAPI find_host(unsigned event, PDelayLoadInfo info) {
  if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return nullptr;
  return reinterpret_cast<FARPROC>(GetModuleHandleW(nullptr));
}

}  // namespace

// Where the linker's own code looks for it.
PfnDliHook __pfnDliNotifyHook2 = find_host;

#endif
