#ifdef _WIN32

#include <process.h>

#include <cerrno>
#include <memory>
#include <thread>
#include <utility>

#include "engine/os/thread.h"
#include "engine/os/windows.h"

namespace vws {

namespace {

// Only what is touched takes memory.
constexpr unsigned kStackBytes = 1024 * 1024;

struct Start {
  const char* name;
  std::function<void()> body;
};

unsigned __stdcall run(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  wchar_t name[16] = {};
  for (size_t i = 0; i + 1 < sizeof name / sizeof name[0] && start->name[i]; ++i)
    name[i] = static_cast<wchar_t>(start->name[i]);
  // Windows 10 from 1607 on.
  using Describe = HRESULT(WINAPI*)(HANDLE, PCWSTR);
  static const auto describe = reinterpret_cast<Describe>(reinterpret_cast<void*>(
      GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "SetThreadDescription")));
  if (describe) describe(GetCurrentThread(), name);
  start->body();
  return 0;
}

// 0, or the error.
int create_thread(HANDLE* thread, const char* name, std::function<void()> body) {
  auto start = std::make_unique<Start>(Start{name, std::move(body)});
  const uintptr_t made = _beginthreadex(nullptr, kStackBytes, run, start.get(),
                                        STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (made == 0) return errno == 0 ? EAGAIN : errno;
  static_cast<void>(start.release());
  *thread = reinterpret_cast<HANDLE>(made);
  return 0;
}

}  // namespace

int Thread::start(const char* name, std::function<void()> body) {
  const int error = create_thread(&thread_, name, std::move(body));
  running_ = error == 0;
  return error;
}

void Thread::join() {
  if (!std::exchange(running_, false)) return;
  WaitForSingleObject(thread_, INFINITE);
  CloseHandle(thread_);
}

int run_detached(const char* name, std::function<void()> body) {
  HANDLE thread = nullptr;
  const int error = create_thread(&thread, name, std::move(body));
  if (error == 0) CloseHandle(thread);
  return error;
}

// The scheduler cannot be told.
void let_others_first() {}

unsigned usable_processors() {
  DWORD_PTR mine = 0;
  DWORD_PTR all = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) || mine == 0)
    return all_processors();
  unsigned count = 0;
  for (; mine != 0; mine &= mine - 1) ++count;
  return count;
}

unsigned all_processors() {
  const unsigned all = std::thread::hardware_concurrency();
  return all == 0 ? 1 : all;
}

}  // namespace vws

#endif
