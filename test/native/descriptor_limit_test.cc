// The engine's tables have a place for each descriptor: which descriptors a connection may have does not depend on the
// limit that the process had when they were made.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "consumer.h"
#include "echo_server.h"
#include "engine/os/lws_calls.h"
#include "engine/os/lws_scope.h"
#include "engine/os/unique_fd.h"
#include "harness.h"

namespace vws {
namespace {

using test::Consumer;
using test::EchoServer;

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

}  // namespace
}  // namespace vws

TEST_MAIN
