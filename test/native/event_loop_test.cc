// Descriptors and timers.

#include <string>
#include <vector>

#include "loop_support.h"

namespace vws {
namespace {

using test::End;
using test::Heir;

TEST("a descriptor is told once of what came") {
  EventLoop loop;
  End end(loop);
  loop.run_once(Milliseconds(0));
  CHECK_EQ(end.told, 0);
  end.tell("one");
  loop.run_once(Milliseconds(-1));
  loop.run_once(Milliseconds(0));
  CHECK_EQ(end.told, 1);
  CHECK_EQ(end.got, "one");
}

TEST("a loop that sleeps by itself does not guess") {
  EventLoop loop;
  End end(loop);
  for (int i = 0; i < 10; ++i) {
    end.tell("x");
    loop.run_once(Milliseconds(-1));
  }
  CHECK_EQ(end.told, 10);
  CHECK_EQ(end.tried, 0);
}

TEST("what is handed on is told to who watches it next") {
  EventLoop loop;
  End end(loop);
  Heir heir;
  loop.hand_on(end.fd());
  end.tell("x");
  CHECK(loop.watch(end.fd(), kReadable | kEdge, &heir));
  loop.run_once(Milliseconds(-1));
  CHECK_EQ(end.told, 0);
  CHECK_EQ(heir.last, static_cast<uint32_t>(kReadable));
}

TEST("timers run in the order of their time") {
  EventLoop loop;
  std::vector<int> order;
  loop.after(Milliseconds(4), [&] { order.push_back(2); });
  loop.after(Milliseconds(1), [&] { order.push_back(1); });
  const auto cancelled = loop.after(Milliseconds(2), [&] { order.push_back(0); });
  loop.cancel(cancelled);
  while (loop.until_next_timer().count() >= 0) loop.run_once(Milliseconds(-1));
  CHECK_EQ(order.size(), 2u);
  CHECK(order == (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace vws

TEST_MAIN
