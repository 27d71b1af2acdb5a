// What the system's way to wait for sockets has to do, whichever it is (os/poller.h): over TCP on loopback, with the
// calls of os/socket.h, as the engine uses both.

#include "engine/os/poller.h"

#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/os/socket.h"
#include "engine/os/unique_fd.h"
#include "harness.h"

namespace vws {
namespace {

constexpr int kLong = 20'000;  // ms

sockaddr_in loopback(uint16_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

class Listening {
 public:
  Listening() : fd_(os::open_stream_socket(AF_INET)) {
    sockaddr_in address = loopback();
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    CHECK_EQ(os::bind_socket(fd_.get(), generic, size), 0);
    CHECK_EQ(os::listen_on(fd_.get(), 128), 0);
    CHECK_EQ(os::local_address(fd_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  int fd() const { return fd_.get(); }
  uint16_t port() const { return port_; }

 private:
  UniqueFd fd_;
  uint16_t port_ = 0;
};

// Begins to connect; true if that is done at once.
bool begin_connect(int fd, uint16_t port) {
  const sockaddr_in address = loopback(port);
  const int result =
      os::connect_socket(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  CHECK(result == 0 || errno == EINPROGRESS);
  return result == 0;
}

struct Told {
  uint64_t token;
  uint32_t readiness;
};

// What one wait tells, but for its own tokens.
std::vector<Told> wait_once(Poller& poller, int timeout) {
  Poller::Batch batch;
  const int count = poller.wait(batch, timeout);
  std::vector<Told> told;
  for (int i = 0; i < count; ++i) {
    if (!poller.settle(batch.token(i))) told.push_back({batch.token(i), batch.readiness(i)});
  }
  return told;
}

// What the next waits tell of one token, up to what is waited for; 0 after a long time.
uint32_t wait_for(Poller& poller, uint64_t token, uint32_t wanted) {
  const TimePoint until = Clock::now() + Milliseconds(kLong);
  uint32_t seen = 0;
  while ((seen & wanted) != wanted && Clock::now() < until) {
    for (const Told& one : wait_once(poller, 100)) {
      if (one.token == token) seen |= one.readiness;
    }
  }
  return (seen & wanted) == wanted ? seen : 0;
}

// Two ends of a connection.
struct Pair {
  Pair() : near_end(os::open_stream_socket(AF_INET)) {
    Poller poller;
    CHECK(poller.watch(listening.fd(), kReadable, 1, false));
    if (!begin_connect(near_end.get(), listening.port())) {
      CHECK(poller.watch(near_end.get(), kWritable, 2, false));
      CHECK(wait_for(poller, 2, kWritable) != 0);
      poller.unwatch(near_end.get());
    }
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    for (int i = 0; i < 100 && !far_end; ++i) {
      far_end.reset(os::accept_stream(listening.fd(), reinterpret_cast<sockaddr*>(&peer), &size));
      if (!far_end) wait_once(poller, 100);
    }
    CHECK(static_cast<bool>(far_end));
  }
  void say(const std::string& text) const {
    CHECK_EQ(os::send(far_end.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string read(size_t most = 65536) const {
    std::string text(most, '\0');
    const ssize_t got = os::receive(near_end.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }

  Listening listening;
  UniqueFd near_end;
  UniqueFd far_end;
};

TEST("nothing is told where nothing is, and the time is kept") {
  Poller poller;
  CHECK(poller.ok());
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable, 7, false));
  const TimePoint began = Clock::now();
  CHECK(wait_once(poller, 30).empty());
  CHECK(Clock::now() - began >= Milliseconds(25));
  CHECK(!poller.has_events());
}

TEST("what has come is told") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  pair.say("one");
  const uint32_t told = wait_for(poller, 7, kReadable);
  CHECK_EQ(told & kWritable, 0u);
  CHECK_EQ(told & kPeerClosed, 0u);
  CHECK_EQ(pair.read(), "one");
  pair.say("two");
  CHECK(wait_for(poller, 7, kReadable) != 0);
  CHECK_EQ(pair.read(), "two");
}

TEST("changes are not told on and on, levels are") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  pair.say("one");
  CHECK(wait_for(poller, 7, kReadable) != 0);
  for (int i = 0; i < 3; ++i) CHECK(wait_once(poller, 0).empty());
  // Watched anew it is looked at anew.
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 8, true));
  CHECK(wait_for(poller, 8, kReadable) != 0);
  CHECK(poller.watch(pair.near_end.get(), kReadable, 9, true));
  for (int i = 0; i < 3; ++i) CHECK(wait_for(poller, 9, kReadable) != 0);
  CHECK_EQ(pair.read(), "one");
}

TEST("what is left behind a read, and comes behind it, is found") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  std::string got;
  pair.say(std::string(1000, 'x'));
  CHECK(wait_for(poller, 7, kReadable) != 0);
  while (got.size() < 1000) got += pair.read(300);
  CHECK(pair.read().empty());
  pair.say("y");
  CHECK(wait_for(poller, 7, kReadable) != 0);
  CHECK_EQ(pair.read(), "y");
}

TEST("what comes behind what was only looked at is told") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  pair.say("a");
  CHECK(wait_for(poller, 7, kReadable) != 0);
  char buffer[8];
  CHECK_EQ(os::peek(pair.near_end.get(), buffer, sizeof buffer), ssize_t{1});
  pair.say("b");
  ssize_t seen = 0;
  for (int i = 0; i < 200 && seen != 2; ++i) {
    if (wait_for(poller, 7, kReadable) != 0)
      seen = os::peek(pair.near_end.get(), buffer, sizeof buffer);
  }
  CHECK_EQ(seen, ssize_t{2});
  CHECK_EQ(pair.read(), "ab");
}

TEST("a socket that has room says so, and again when it was full") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kWritable | kEdge, 7, false));
  CHECK(wait_for(poller, 7, kWritable) != 0);
  const std::string much(256 * 1024, 'x');
  size_t sent = 0;
  ssize_t now = 0;
  while ((now = os::send(pair.near_end.get(), much.data(), much.size())) > 0)
    sent += static_cast<size_t>(now);
  CHECK_EQ(errno, EAGAIN);
  // Of before, perhaps.
  wait_once(poller, 0);
  CHECK(wait_once(poller, 20).empty());
  std::string buffer(1024 * 1024, '\0');
  size_t taken = 0;
  const TimePoint until = Clock::now() + Milliseconds(kLong);
  while (taken < sent && Clock::now() < until) {
    const ssize_t got = os::receive(pair.far_end.get(), buffer.data(), buffer.size());
    if (got > 0) taken += static_cast<size_t>(got);
  }
  CHECK_EQ(taken, sent);
  CHECK(wait_for(poller, 7, kWritable) != 0);
}

TEST("the peer's end is told behind what it has sent") {
  Poller poller;
  Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  pair.say("last");
  pair.far_end.reset();
  CHECK(wait_for(poller, 7, kReadable) != 0);
  CHECK_EQ(pair.read(), "last");
  bool ended = false;
  for (int i = 0; i < 200 && !ended; ++i) {
    wait_once(poller, 10);
    char byte;
    ended = os::receive(pair.near_end.get(), &byte, 1) == 0;
  }
  CHECK(ended);
}

TEST("who has ended one direction hears of the peer's, too") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  os::end_sending(pair.near_end.get());
  os::end_sending(pair.far_end.get());
  CHECK(wait_for(poller, 7, kReadable | kPeerClosed) != 0);
}

TEST("who has ended one direction alone is not told that both are") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable | kWritable | kEdge, 7, false));
  os::end_sending(pair.near_end.get());
  uint32_t told = 0;
  for (int i = 0; i < 3; ++i) {
    for (const Told& one : wait_once(poller, 10)) told |= one.readiness;
  }
  CHECK_EQ(told & (kHangup | kError | kPeerClosed), 0u);
  pair.say("one");
  CHECK(wait_for(poller, 7, kReadable) != 0);
  CHECK_EQ(pair.read(), "one");
}

TEST("a connection that is refused is told") {
  Poller poller;
  uint16_t port = 0;
  {
    const Listening gone;
    port = gone.port();
  }
  const UniqueFd fd(os::open_stream_socket(AF_INET));
  const sockaddr_in address = loopback(port);
  const int result =
      os::connect_socket(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  CHECK_EQ(result, -1);
  if (errno == EINPROGRESS) {
    CHECK(poller.watch(fd.get(), kWritable, 7, false));
    CHECK(wait_for(poller, 7, kWritable) != 0);
    CHECK_EQ(os::connect_error_of(fd.get()), ECONNREFUSED);
  } else {
    CHECK_EQ(errno, ECONNREFUSED);
  }
}

TEST("a listener says that somebody waits") {
  Poller poller;
  const Listening listening;
  CHECK(poller.watch(listening.fd(), kReadable, 7, false));
  CHECK(wait_once(poller, 0).empty());
  const UniqueFd client(os::open_stream_socket(AF_INET));
  begin_connect(client.get(), listening.port());
  CHECK(wait_for(poller, 7, kReadable) != 0);
}

TEST("who is not watched any more is not told of") {
  Poller poller;
  const Pair pair;
  CHECK(poller.watch(pair.near_end.get(), kReadable, 7, false));
  CHECK(wait_once(poller, 0).empty());
  poller.unwatch(pair.near_end.get());
  pair.say("x");
  CHECK(wait_once(poller, 20).empty());
  // And can be watched by another.
  Poller other;
  CHECK(other.watch(pair.near_end.get(), kReadable, 8, false));
  CHECK(wait_for(other, 8, kReadable) != 0);
}

TEST("what is watched while another thread waits is told to that") {
  Poller poller;
  const Pair pair;
  pair.say("x");
  uint32_t told = 0;
  std::thread waiting([&] { told = wait_for(poller, 7, kReadable); });
  std::this_thread::sleep_for(Milliseconds(20));
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  waiting.join();
  CHECK(told != 0);
}

TEST("all that sleep are told, and what is ready is left to who waits for it") {
  Poller poller;
  const Pair pair;
  std::vector<std::thread> sleepers(3);
  CHECK(poller.watch(pair.near_end.get(), kReadable | kEdge, 7, false));
  for (const char* text : {"x", "y", "z"}) {
    for (std::thread& one : sleepers) one = std::thread([&] { poller.sleep(); });
    std::this_thread::sleep_for(Milliseconds(20));
    CHECK(wait_once(poller, 0).empty());
    pair.say(text);
    for (std::thread& one : sleepers) one.join();
    CHECK(poller.has_events());
    CHECK(wait_for(poller, 7, kReadable) != 0);
    CHECK_EQ(pair.read(), std::string(text));
  }
  CHECK(!poller.has_events());
}

TEST("a wake-up ends a wait, and the next one if there is none") {
  Poller poller;
  std::thread waking([&] { poller.wake(); });
  const TimePoint began = Clock::now();
  CHECK(wait_once(poller, kLong).empty());
  waking.join();
  poller.wake();
  CHECK(poller.has_events());
  poller.sleep();
  CHECK(wait_once(poller, kLong).empty());
  CHECK(Clock::now() - began < Milliseconds(kLong));
  CHECK(!poller.has_events());
}

TEST("a time that was said counts as something to wait for") {
  Poller poller;
  poller.expire_at(Clock::now() + Milliseconds(kLong));
  CHECK(!poller.has_events());
  poller.expire_at(Clock::now() + Milliseconds(10));
  poller.sleep();
  CHECK(poller.has_events());
  CHECK(wait_once(poller, 0).empty());
  CHECK(!poller.has_events());
}

TEST("many are told of in a few waits") {
  constexpr size_t kMany = 200;
  Poller poller;
  std::vector<Pair> pairs(kMany);
  for (size_t i = 0; i < kMany; ++i) {
    CHECK(poller.watch(pairs[i].near_end.get(), kReadable | kEdge, i, false));
    pairs[i].say("x");
  }
  size_t told = 0;
  for (int i = 0; i < 200 && told < kMany; ++i) told += wait_once(poller, 100).size();
  CHECK_EQ(told, kMany);
}

}  // namespace
}  // namespace vws

TEST_MAIN
