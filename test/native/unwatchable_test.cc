// A loop that cannot watch: in the place of the kernel's set of descriptors there is something that is none.

#include <fcntl.h>
#include <unistd.h>

#include "consumer.h"
#include "echo_server.h"
#include "harness.h"
#include "net_support.h"

namespace vws::test {

TEST("a descriptor that cannot be watched is a failure like others") {
  EchoServer server;
  Consumer consumer(ServiceMode::kLoop);
  // In place of the kernel's set of descriptors, something that is none.
  const UniqueFd null = no_socket();
  const UniqueFd kept(dup(consumer.engine.poller().backend_fd()));
  CHECK(dup3(null.get(), consumer.engine.poller().backend_fd(), O_CLOEXEC) >= 0);
  for (int i = 0; i < 3; ++i) {
    const int32_t id = consumer.connect(server.port());
    CHECK(consumer.until([&] { return consumer.of(id).ended; }));
    CHECK_EQ(consumer.of(id).failure_code, "EINVAL");
    CHECK_EQ(consumer.of(id).failure_reason, "insert wsi failed");
    consumer.seen.clear();
    consumer.engine.release(id);
  }
  CHECK(dup3(kept.get(), consumer.engine.poller().backend_fd(), O_CLOEXEC) >= 0);
  const int32_t id = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
}

TEST("a loop that cannot watch") {
  const int before = open_descriptors();
  {
    EventLoop loop;
    Resolver resolver(loop);
    const FullListener silent("127.0.0.1");
    SocketOptions options;
    options.host = "127.0.0.1";
    options.port = silent.port();
    // In place of the kernel's set of descriptors, something that is none.
    const UniqueFd null = no_socket();
    CHECK(dup2(null.get(), loop.backend_fd()) >= 0);
    const ConnectError error = attempt(loop, resolver, options).error();
    CHECK_EQ(error.reason, "insert wsi failed");
    CHECK(contains(error.detail, "epoll_ctl "));
  }
  CHECK_EQ(open_descriptors(), before);
}

}  // namespace vws::test

TEST_MAIN
