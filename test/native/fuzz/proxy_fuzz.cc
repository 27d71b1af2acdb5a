// Answers of a proxy. The first byte chooses the kind of proxy, the second how the answer is cut; the
// outcome, and what is left for the tunnel, must not depend on the cuts. What is malformed is never waited for:
// while more is awaited, something can come that makes the tunnel.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "cpu_limit.h"
#include "engine/net/proxy.h"
#include "engine/os/unique_fd.h"

namespace {

using Progress = vws::TunnelHandshake::Progress;

struct Outcome {
  Progress progress = Progress::kPending;
  std::string code;
  std::string left;
  bool waited = false;  // all of the answer was taken, and more awaited
};

// More than a socket buffer takes at once would block the proxy's side.
constexpr size_t kMaxAnswer = 32 * 1024;

Outcome play(bool http, const std::string& answer, size_t piece) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  const vws::UniqueFd ours(ends[0]);
  vws::UniqueFd proxy(ends[1]);
  vws::ProxyOptions options;
  options.type = http ? vws::ProxyType::kHttp : vws::ProxyType::kSocks5;
  options.auth = "user:password";
  const auto handshake = vws::make_tunnel_handshake(options, "target.example", 443);

  Outcome outcome;
  outcome.progress = handshake->on_ready(ours.get());
  for (size_t at = 0, size; at < answer.size(); at += size) {
    // Small pieces that nobody reads fill the socket: what comes after the end comes at once.
    size = answer.size() - at;
    if (outcome.progress == Progress::kPending) size = std::min(piece, size);
    if (send(proxy.get(), answer.data() + at, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) {
      std::abort();
    }
    if (outcome.progress == Progress::kPending) outcome.progress = handshake->on_ready(ours.get());
  }
  outcome.waited = outcome.progress == Progress::kPending;
  if (shutdown(proxy.get(), SHUT_WR) != 0) std::abort();
  if (outcome.progress == Progress::kPending) outcome.progress = handshake->on_ready(ours.get());
  if (outcome.progress == Progress::kPending) std::abort();  // nothing more can come
  if (outcome.progress == Progress::kFailed) {
    outcome.code = handshake->error().code;
    if (outcome.code.find("ERR_PROXY_") != 0) std::abort();
    return outcome;
  }
  char buffer[4096];
  for (ssize_t count; (count = recv(ours.get(), buffer, sizeof buffer, 0)) > 0;) {
    outcome.left.append(buffer, static_cast<size_t>(count));
  }
  return outcome;
}

// Whether some continuation makes a tunnel of a SOCKS proxy's answer.
bool can_go_on(const std::string& answer) {
  const std::string reply("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
  for (const std::string& before :
       {std::string("\x05\x00", 2), std::string("\x05\x02\x01\x00", 4)}) {
    const std::string right = before + reply;
    for (size_t i = 0; i < right.size(); ++i) {
      if (play(false, answer + right.substr(i), 64).progress == Progress::kDone) return true;
    }
  }
  // Within an address.
  return play(false, answer + std::string(300, '\0'), 64).progress == Progress::kDone;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > kMaxAnswer) return 0;
  const vws::test::CpuLimit limit(2);
  const bool http = data[0] & 1;
  const size_t piece = data[1] % 64 + 1u;
  const std::string answer(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = play(http, answer, answer.size() + 1);
  const Outcome cut = play(http, answer, piece);
  if (whole.progress != cut.progress || whole.code != cut.code || whole.left != cut.left) {
    std::abort();
  }
  // Heads are looked at closer by response_head_fuzz.
  if (!http && whole.waited && size < 512 && !can_go_on(answer)) std::abort();
  return 0;
}
