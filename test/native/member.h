// A server's connections without handshakes, each with its peer in the test's hand, and what is published to them.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "server_support.h"
#include "support/system.h"

namespace vws::test {

// Takes what a turn on this thread has told.
inline void turn(Consumer& consumer) {
  consumer.engine.turn();
  consumer.drain();
}

// An open connection, and its peer, who reads when it is told to.
struct Member {
  int32_t id = 0;
  UniqueFd peer;
  std::string received;

  const std::string& look() {
    char buffer[65536];
    ssize_t got;
    while ((got = os::receive(peer.get(), buffer, sizeof buffer)) > 0) {
      received.append(buffer, static_cast<size_t>(got));
    }
    return received;
  }
  bool wait_for(Consumer& consumer, const std::string& bytes) {
    return consumer.until([&] { return look().size() >= bytes.size(); }) && received == bytes;
  }
  void say(const std::string& bytes) const {
    CHECK_EQ(os::send(peer.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
};

inline Member join(Consumer& consumer, AcceptOptions options = {}) {
  SocketPair ends = socket_pair();
  CHECK(static_cast<bool>(ends.one));
  Member made;
  made.peer = std::move(ends.other);
  options.close_timeout = Milliseconds(2000);
  made.id = consumer.engine.adopt(std::move(ends.one), std::move(options), Sender::Limits());
  consumer.of(made.id) = Seen();
  return made;
}

inline std::shared_ptr<Publication> text(Consumer& consumer, const std::string& payload) {
  SharedFrameSlot slot(&consumer.engine.publications());
  uint8_t* const to = slot.open(payload.size(), payload.size());
  CHECK(to != nullptr);
  std::copy(payload.begin(), payload.end(), to);
  SharedBytes frame = slot.close({kText, true, false}, payload.size());
  return std::make_shared<Publication>(std::move(frame), payload.size(), kText, true);
}

}  // namespace vws::test
