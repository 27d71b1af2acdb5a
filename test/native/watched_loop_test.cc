// A loop whose descriptor somebody else sleeps on, as Node's loop does; and descriptors that change their number.

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loop_support.h"

namespace vws {
namespace {

using test::End;
using test::Heir;

bool readable(int fd) {
  pollfd descriptor{fd, POLLIN, 0};
  return poll(&descriptor, 1, 0) > 0;
}

// As libuv does: a turn when the descriptor says so. Returns how many it took until it was silent.
int turns_until_silent(EventLoop& loop, int most = 100) {
  int turns = 0;
  while (turns < most && readable(loop.backend_fd())) {
    loop.run_once(Milliseconds(0));
    ++turns;
  }
  return turns;
}

// Three messages, so that the loop guesses at it from now on.
void speak_alone(EventLoop& loop, End& end) {
  for (int i = 0; i < 3; ++i) {
    end.tell("x");
    turns_until_silent(loop);
  }
}

// Somebody else sleeps on its descriptor.
class WatchedLoop : public EventLoop {
 public:
  WatchedLoop() { set_watched_from_outside(true); }
};

TEST("the only one that speaks is read unasked") {
  WatchedLoop loop;
  End end(loop);
  for (int i = 0; i < 100; ++i) {
    end.tell("x");
    CHECK_EQ(turns_until_silent(loop), 1);
  }
  CHECK_EQ(end.got, std::string(100, 'x'));
  CHECK(end.tried > 80);
  CHECK(end.told > 2);
}

TEST("who watches from outside is told of timers and of what a turn has left") {
  WatchedLoop loop;
  int ran = 0;
  loop.after(Milliseconds(5), [&] { ++ran; });
  loop.announce(false);
  CHECK(!readable(loop.backend_fd()));
  loop.wait_until_ready();
  loop.run_once(Milliseconds(0));
  CHECK_EQ(ran, 1);
  CHECK(!readable(loop.backend_fd()));
  // An earlier one counts, a later one changes nothing.
  loop.after(std::chrono::seconds(20), [&] { ++ran; });
  loop.announce(false);
  loop.after(Milliseconds(5), [&] { ++ran; });
  loop.announce(false);
  loop.wait_until_ready();
  loop.run_once(Milliseconds(0));
  CHECK_EQ(ran, 2);
  // One that was cancelled costs a turn, and the next is told all the same.
  const EventLoop::TimerId gone = loop.after(Milliseconds(5), [&] { ran = 100; });
  loop.announce(false);
  loop.cancel(gone);
  loop.after(Milliseconds(10), [&] { ++ran; });
  while (ran == 2) {
    loop.announce(false);
    loop.wait_until_ready();
    loop.run_once(Milliseconds(0));
  }
  CHECK_EQ(ran, 3);
  loop.announce(true);
  CHECK(readable(loop.backend_fd()));
  CHECK_EQ(turns_until_silent(loop), 1);
}

// A handler that takes longer than a turn may.
void dawdle(EventLoop& loop) {
  std::this_thread::sleep_for(2 * kTurnLimit);
  loop.look_at_clock();
}

TEST("what takes too long leaves the other events to the next turn, in their order") {
  WatchedLoop loop;
  std::vector<std::unique_ptr<End>> ends;
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    ends.push_back(std::make_unique<End>(loop));
    ends.back()->on_told = [&, i] {
      order.push_back(i);
      if (i < 3) dawdle(loop);
    };
    ends.back()->tell("x");
  }
  loop.run_once(Milliseconds(0));
  CHECK_EQ(order.size(), size_t{1});
  CHECK(loop.has_left() && loop.has_ready());
  ends[2].reset();  // its event is nobody's any more
  loop.run_once(Milliseconds(-1));
  loop.announce(loop.has_left());
  CHECK(readable(loop.backend_fd()));
  loop.run_once(Milliseconds(-1));
  CHECK(!loop.has_left());
  CHECK_EQ(turns_until_silent(loop), 1);
  CHECK(order == std::vector<int>({0, 1, 3, 4}));
}

TEST("timers that are due at once share turns") {
  WatchedLoop loop;
  int ran = 0;
  for (int i = 0; i < 3; ++i) {
    loop.after(Milliseconds(0), [&] {
      ++ran;
      dawdle(loop);
    });
  }
  loop.run_once(Milliseconds(0));
  CHECK_EQ(ran, 1);
  loop.announce(false);
  CHECK_EQ(turns_until_silent(loop), 1);
  CHECK_EQ(ran, 2);
  loop.announce(false);
  CHECK_EQ(turns_until_silent(loop), 1);
  CHECK_EQ(ran, 3);
}

TEST("a wrong guess costs no turn") {
  WatchedLoop loop;
  End one(loop);
  End other(loop);
  speak_alone(loop, one);
  CHECK(one.tried > 0);
  other.tell("y");
  loop.run_once(Milliseconds(0));
  CHECK_EQ(other.got, "y");
}

TEST("one that always speaks starves no other") {
  WatchedLoop loop;
  End one(loop);
  End other(loop);
  speak_alone(loop, one);
  other.tell("y");
  int turns = 0;
  while (other.got.empty() && turns < 100) {
    one.tell("x");
    loop.run_once(Milliseconds(0));
    ++turns;
  }
  CHECK_EQ(other.got, "y");
  CHECK(turns <= 17);
}

TEST("one that may not read is not asked again and again") {
  WatchedLoop loop;
  End end(loop);
  speak_alone(loop, end);
  end.deaf = true;
  const int before = end.told;
  end.tell("y");
  CHECK(turns_until_silent(loop) <= 2);
  CHECK_EQ(end.told, before + 1);
}

TEST("the end of the stream is seen after a guess") {
  WatchedLoop loop;
  End end(loop);
  speak_alone(loop, end);
  end.tell("last");
  end.hang_up();
  for (int i = 0; i < 40 && !(end.last & kPeerClosed); ++i) loop.run_once(Milliseconds(0));
  CHECK(end.last & kPeerClosed);
  CHECK_EQ(end.got, "xxxlast");
}

TEST("a wake-up and posted work get through while guesses are right") {
  WatchedLoop loop;
  End end(loop);
  speak_alone(loop, end);
  bool ran = false;
  std::thread([&] { loop.post([&] { ran = true; }); }).join();
  end.tell("x");
  loop.run_once(Milliseconds(0));
  CHECK(ran);
  turns_until_silent(loop);
  CHECK(!readable(loop.backend_fd()));
}

TEST("who is not watched any more is not read") {
  WatchedLoop loop;
  int tried = 0;
  {
    End end(loop);
    speak_alone(loop, end);
    loop.unwatch(end.fd());
    tried = end.tried;
    end.tell("y");
    loop.run_once(Milliseconds(0));
    CHECK_EQ(end.tried, tried);
  }
  loop.run_once(Milliseconds(0));
}

// One thread may have taken an event while another, which held the loop, put something else in the
// descriptor's place.
TEST("what was ready before the descriptor was replaced is not told") {
  EventLoop loop;
  End first(loop);
  End other(loop);
  const UniqueFd replaced(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  struct Told : IoHandler {
    void on_ready(int, uint32_t readiness) override { last |= readiness; }
    uint32_t last = 0;
  } told;
  first.on_told = [&] {
    CHECK(dup3(other.fd(), replaced.get(), O_CLOEXEC) >= 0);
    CHECK(loop.watch(replaced.get(), kReadable, &told));
  };
  first.tell("x");
  CHECK(loop.watch(replaced.get(), kReadable, &told));  // not connected: kHangup at once
  loop.run_once(Milliseconds(0));
  CHECK_EQ(first.told, 1);
  CHECK_EQ(told.last, 0u);
  other.tell("y");
  loop.run_once(Milliseconds(0));
  CHECK_EQ(told.last, static_cast<uint32_t>(kReadable));
  loop.unwatch(replaced.get());
}

TEST("what is handed on to nobody is not watched in the next turn") {
  EventLoop loop;
  End end(loop);
  loop.hand_on(end.fd());
  end.tell("x");
  loop.run_once(Milliseconds(0));
  CHECK_EQ(end.told, 0);
  CHECK(!readable(loop.backend_fd()));
}

TEST("a descriptor may get the number of one that was handed on and closed") {
  EventLoop loop;
  Heir heir;
  UniqueFd closed(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int number = closed.get();
  CHECK(loop.watch(number, kWritable, &heir));
  loop.hand_on(number);
  closed.reset();
  End end(loop);
  CHECK_EQ(end.fd(), number);
  end.tell("x");
  loop.run_once(Milliseconds(0));
  CHECK_EQ(end.got, "x");
  CHECK_EQ(heir.last, 0u);
}

}  // namespace
}  // namespace vws

TEST_MAIN
