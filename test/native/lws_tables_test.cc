// The engine's tables have a place for each descriptor: neither how much memory they take nor which descriptors
// a connection may have depends on the limit that the process had when they were made.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "consumer.h"
#include "echo_server.h"
#include "engine/os/lazy_memory.h"
#include "engine/os/lws_calls.h"
#include "engine/os/lws_scope.h"
#include "engine/os/unique_fd.h"
#include "harness.h"

namespace vws {
namespace {

using test::Consumer;
using test::EchoServer;

size_t resident() {
  long total = 0;
  long pages = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  if (!file) return 0;
  const int read = fscanf(file, "%ld %ld", &total, &pages);
  fclose(file);
  return read == 2 ? static_cast<size_t>(pages) * static_cast<size_t>(getpagesize()) : 0;
}

rlim_t set_soft_limit(rlim_t soft) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = std::exchange(limit.rlim_cur, soft);
  CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return before;
}

TEST("the engine believes in a fixed number of descriptors, and only the engine does") {
  const long before = vws_hook_sysconf(_SC_OPEN_MAX);
  {
    const hooks::EngineScope scope;
    CHECK_EQ(vws_hook_sysconf(_SC_OPEN_MAX), static_cast<long>(hooks::kMaxDescriptors));
    CHECK_EQ(vws_hook_getdtablesize(), hooks::kMaxDescriptors);
    CHECK_EQ(vws_hook_sysconf(_SC_PAGESIZE), static_cast<long>(getpagesize()));
  }
  CHECK_EQ(vws_hook_sysconf(_SC_OPEN_MAX), before);
}

TEST("a connection may have a descriptor above the limit that held when the engine began") {
  EchoServer server;
  const rlim_t before = set_soft_limit(64);
  Consumer consumer;
  set_soft_limit(before);
  CHECK(consumer.engine.ok());
  std::vector<UniqueFd> held;
  while (held.empty() || held.back().get() < 300) held.emplace_back(open("/dev/null", O_RDONLY));
  const int32_t id = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(id).established || consumer.of(id).ended; }));
  CHECK(consumer.of(id).established);
  CHECK_EQ(consumer.of(id).failure_reason, std::string());
  consumer.engine.terminate(id);
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
}

TEST("the tables take no memory for descriptors that there are not") {
  { Consumer first; }
  const size_t before = resident();
  std::vector<std::unique_ptr<Consumer>> engines;
  for (int i = 0; i < 6; ++i) engines.push_back(std::make_unique<Consumer>(ServiceMode::kLoop));
  const size_t each = (resident() - before) / 6;
  if (!CHECK(each < 4 * 1024 * 1024)) std::printf("  %zu bytes each\n", each);
}

TEST("lazy memory is zero, goes back, and knows its own") {
  constexpr size_t kSize = 64 * 1024 * 1024;
  const size_t before = resident();
  auto* const memory = static_cast<uint8_t*>(LazyMemory::allocate(kSize));
  if (!CHECK(memory != nullptr)) return;
  CHECK_EQ(memory[0], 0);
  CHECK_EQ(memory[kSize - 1], 0);
  memory[kSize / 2] = 1;
  CHECK(resident() < before + kSize / 4);
  CHECK(LazyMemory::free(memory));
  CHECK(!LazyMemory::free(memory));
  CHECK(!LazyMemory::free(nullptr));
  int other = 0;
  CHECK(!LazyMemory::free(&other));
}

}  // namespace
}  // namespace vws

TEST_MAIN
