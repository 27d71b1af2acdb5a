// A server's connections without handshakes, each with its peer in the test's hand, and what is published to them.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "server_support.h"

namespace vws::test {

// An open connection, and its peer, who reads when it is told to.
struct Member {
  int32_t id = 0;
  UniqueFd peer;
  std::string received;

  const std::string& look() {
    char buffer[65536];
    ssize_t got;
    while ((got = recv(peer.get(), buffer, sizeof buffer, 0)) > 0) {
      received.append(buffer, static_cast<size_t>(got));
    }
    return received;
  }
  bool wait_for(Consumer& consumer, const std::string& bytes) {
    return consumer.until([&] { return look().size() >= bytes.size(); }) && received == bytes;
  }
  void say(const std::string& bytes) const {
    CHECK_EQ(send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
             static_cast<ssize_t>(bytes.size()));
  }
};

inline Member join(Consumer& consumer, AcceptOptions options = {}) {
  int fds[2];
  CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  Member made;
  made.peer.reset(fds[1]);
  options.close_timeout = Milliseconds(2000);
  made.id = consumer.engine.adopt(UniqueFd(fds[0]), std::move(options), Sender::Limits());
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
