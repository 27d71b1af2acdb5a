// What the system rarely does, at every call of a handshake with a proxy: as in io_fault_test.cc.

#include <cerrno>
#include <string>
#include <vector>

#include "engine/os/error_names.h"
#include "faults.h"
#include "harness.h"
#include "net_support.h"

namespace vws {
namespace {

using namespace test;

const std::string kHttpYes = "HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n";
const std::string kSocksYes("\5\0\0\1\0\0\0\0\0\0", 10);

// A proxy of either kind that makes every tunnel; what follows its answer comes with it.
class Scene {
 public:
  explicit Scene(ProxyType type) : type_(type) {
    proxy_.on_input = [type](Server::Connection& peer) {
      const std::string& said = peer.received;
      if (type == ProxyType::kHttp) {
        if (said.find("\r\n\r\n") != std::string::npos) Server::say(peer, kHttpYes + "first");
      } else {
        Server::say(peer, said.size() == 3 ? std::string("\5\0", 2) : kSocksYes + "first");
      }
    };
  }

  Attempted live() {
    SocketOptions options;
    options.host = "target.example";
    options.port = 443;
    options.proxy.emplace();
    options.proxy->type = type_;
    options.proxy->host = "127.0.0.1";
    options.proxy->port = proxy_.port();
    options.proxy->starved_limit = Milliseconds(20);
    return attempt(loop_, resolver_, options);
  }

 private:
  const ProxyType type_;
  EventLoop loop_;
  Resolver resolver_{loop_, table_lookup({})};
  Server proxy_{loop_};
};

// The tunnel stands, and not a byte too much has been read of it.
bool went_well(Attempted& made) {
  if (!made.connected()) return false;
  char buffer[100];
  const ssize_t got = recv(made.socket().fd.get(), buffer, sizeof buffer, 0);
  return got > 0 && std::string(buffer, static_cast<size_t>(got)) == "first";
}

void try_all(ProxyType type, Call call, const std::vector<int>& errors) {
  Scene scene(type);
  Faults& faults = Faults::get();
  faults.plan(call, 0, -1, false);
  Attempted first = scene.live();
  const int calls = faults.stop();
  if (!CHECK(went_well(first)) || !CHECK(calls > 0)) return;
  for (const int error : errors) {
    for (int at = 0; at < calls; ++at) {
      for (const bool for_good : {false, true}) {
        if (for_good && error == EINTR) continue;  // nobody interrupts for ever
        faults.plan(call, error, at, for_good);
        Attempted made = scene.live();
        faults.stop();
        const std::string name = errno_name(error);
        const bool moves = call == Call::kSend || call == Call::kReceive;
        const bool passes =
            !for_good && (error == EINTR || (moves && (error == ENOBUFS || error == ENOMEM)));
        if (passes ? went_well(made) : made.failed() && made.error().errno_name == name) continue;
        report(__FILE__, __LINE__,
               name + (for_good ? " from call " : " at call ") + std::to_string(at) + ": " +
                   made.error().code + ' ' + made.error().detail);
      }
    }
  }
}

// EPIPE is not among them: what the proxy has said before it closed is read first.
const std::vector<int> kSendErrors = {EACCES, ECONNRESET, ETIMEDOUT, ENETDOWN,
                                      EIO,    ENOBUFS,    ENOMEM,    EINTR};
const std::vector<int> kReceiveErrors = {ECONNRESET, ETIMEDOUT, EHOSTUNREACH, EIO,
                                         ENOBUFS,    ENOMEM,    EINTR};

TEST("send, HTTP") { try_all(ProxyType::kHttp, Call::kSend, kSendErrors); }
TEST("send, SOCKS5") { try_all(ProxyType::kSocks5, Call::kSend, kSendErrors); }
TEST("recv, HTTP") { try_all(ProxyType::kHttp, Call::kReceive, kReceiveErrors); }
TEST("recv, SOCKS5") { try_all(ProxyType::kSocks5, Call::kReceive, kReceiveErrors); }
TEST("epoll_ctl") { try_all(ProxyType::kHttp, Call::kEpoll, {ENOMEM, ENOSPC, EPERM}); }

}  // namespace
}  // namespace vws

TEST_MAIN
