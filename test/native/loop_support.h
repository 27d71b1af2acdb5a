// What tests of the event loop have it watch.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "engine/base/loop.h"
#include "harness.h"
#include "support/system.h"

namespace vws::test {

// A watched end of a socket pair, which reads what comes whole.
class End : public IoHandler {
 public:
  explicit End(EventLoop& loop) : loop_(loop) {
    CHECK(static_cast<bool>(pair_.one));
    CHECK(loop_.watch(pair_.one.get(), kReadable | kEdge, this));
  }
  ~End() override { loop_.unwatch(pair_.one.get()); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  void on_ready(int, uint32_t readiness) override {
    ++told;
    last = readiness;
    read_all();
    if (on_told) on_told();
  }
  bool try_read() override {
    ++tried;
    return !deaf && read_all();
  }
  void tell(const std::string& text) {
    CHECK(os::send(pair_.other.get(), text.data(), text.size()) ==
          static_cast<ssize_t>(text.size()));
  }
  void hang_up() { pair_.other.reset(); }
  int fd() const { return pair_.one.get(); }

  std::function<void()> on_told;
  std::string got;
  int told = 0;
  int tried = 0;
  uint32_t last = 0;
  bool deaf = false;

 private:
  bool read_all() {
    std::array<char, 64> buffer{};
    const ssize_t count = os::receive(pair_.one.get(), buffer.data(), buffer.size());
    if (count > 0) got.append(buffer.data(), static_cast<size_t>(count));
    return count >= 0;
  }

  EventLoop& loop_;
  SocketPair pair_ = socket_pair();
};

// Takes over what another has handed on.
struct Heir : IoHandler {
  void on_ready(int, uint32_t readiness) override { last |= readiness; }
  uint32_t last = 0;
};

}  // namespace vws::test
