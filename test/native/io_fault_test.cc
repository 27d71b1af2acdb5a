// What the system rarely does, at every call of a connection's life: each call that can fail is made to fail, once and
// for good, with every errno it has. Whatever it is, the connection comes to a result: it goes on as if nothing had
// been, or it ends and names the errno. All timeouts are off: one that stays mute is found by this test's own limit.

#include <cerrno>
#include <csignal>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "consumer.h"
#include "echo_server.h"
#include "engine/os/error_names.h"
#include "engine/ws/random_pool.h"
#include "faults.h"
#include "harness.h"
#include "tls_support.h"

namespace vws {
namespace {

using test::Consumer;
using test::EchoServer;
using test::Seen;

// As Node does: OpenSSL's own writing, during the handshake, does not ask for silence.
[[maybe_unused]] const auto kBefore = std::signal(SIGPIPE, SIG_IGN);

const std::vector<int> kSendErrors = {EACCES,    EPERM, EHOSTUNREACH, ENETUNREACH, ENETDOWN,
                                      ETIMEDOUT, EPIPE, ECONNRESET,   ENOTCONN,    EMSGSIZE,
                                      EINVAL,    EIO,   EBADF,        EOPNOTSUPP,  ENOBUFS,
                                      ENOMEM,    EINTR};
const std::vector<int> kReceiveErrors = {
    ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNREFUSED, ENOTCONN, EIO,
    EINVAL,     EBADF,     EFAULT,       ENOBUFS,     ENOMEM,       EINTR};
const std::vector<int> kConnectErrors = {EACCES,       EPERM,        EADDRINUSE,  EADDRNOTAVAIL,
                                         EAFNOSUPPORT, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH,
                                         ETIMEDOUT,    ENOBUFS,      ENOMEM,      EINTR};
const std::vector<int> kEpollErrors = {ENOMEM, ENOSPC, EPERM, EINVAL, EBADF};

class Scene {
 public:
  explicit Scene(bool tls) : tls_(tls) {
    if (!tls) return;
    tls_test::ServerSpec spec;
    spec.credentials = &leaf_;
    // Both speak of ALPN: without, the engine copies nothing from nowhere, which the sanitizer minds.
    spec.alpn = "http/1.1";
    tls_server_ = std::make_unique<tls_test::TlsServer>(spec);
    TlsSettings settings;
    settings.ca = tls_test::pem_of(root_.certificate);
    settings.alpn = {"http/1.1"};
    config_ = tls_test::make_config(settings);
    server_ = std::make_unique<EchoServer>(EchoServer::Mode::kEcho, tls_server_->context());
  }

  uint16_t port() { return server_->port(); }

  // A connection that sends, gets it back, and closes.
  Seen live() {
    ConnectionOptions options = test::options_for(port());
    options.handshake_timeout = Milliseconds(0);
    options.close_timeout = Milliseconds(0);
    options.starved_limit = Milliseconds(20);
    options.request.secure = tls_;
    options.request.tls = config_;
    const int32_t id = consumer_.engine.connect(std::move(options), Sender::Limits());
    consumer_.of(id) = Seen();
    consumer_.send(id, "hello");
    consumer_.send(id, std::string(100000, 'x'), kBinary);
    Seen& seen = consumer_.of(id);
    ended_ = consumer_.until([&] { return seen.ended || seen.messages.size() == 2; });
    if (!seen.ended) consumer_.engine.close(id, 1000, {});
    ended_ = ended_ && consumer_.until([&] { return seen.ended; });
    if (!ended_) consumer_.engine.terminate(id);
    CHECK(consumer_.until([&] { return seen.ended; }));
    const Seen result = seen;
    consumer_.engine.release(id);
    return result;
  }
  // Whether live() came to an end by itself.
  bool ended() const { return ended_; }

 private:
  const bool tls_;
  const tls_test::Credentials root_ = tls_test::make_authority("Test Root");
  const tls_test::Credentials leaf_ =
      tls_test::make_leaf("host", "IP:127.0.0.1,DNS:localhost", root_);
  std::unique_ptr<tls_test::TlsServer> tls_server_;
  std::shared_ptr<const TlsConfig> config_;
  std::unique_ptr<EchoServer> server_ = std::make_unique<EchoServer>();
  Consumer consumer_{ServiceMode::kThread};
  bool ended_ = false;
};

bool went_well(const Seen& seen) {
  return seen.established && seen.close_code == 1000 && seen.messages.size() == 2;
}

std::string tell(const Seen& seen) {
  return "established " + std::to_string(seen.established) + ", code " +
         std::to_string(seen.close_code) + ", " + std::to_string(seen.messages.size()) +
         " messages, " + seen.failure_code + ", " + seen.failure_reason + ", " + seen.detail;
}

void try_all(bool tls, Call call, const std::vector<int>& errors) {
  Scene scene(tls);
  Faults& faults = Faults::get();
  // Without a fault, twice: the second finds sessions and memory that the first has left.
  for (int i = 0; i < 2; ++i) {
    faults.plan(call, 0, -1, false);
    if (!CHECK(went_well(scene.live()))) return;
  }
  const int calls = faults.stop();
  if (!CHECK(calls > 0)) return;
  for (const int error : errors) {
    for (int at = 0; at < std::min(calls, 12); ++at) {
      for (const bool for_good : {false, true}) {
        if (for_good && error == EINTR) continue;  // nobody interrupts for ever
        faults.plan(call, error, at, for_good);
        const Seen seen = scene.live();
        faults.stop();
        const std::string name = errno_name(error);
        const std::string where =
            name + (for_good ? " from call " : " at call ") + std::to_string(at);
        if (!scene.ended()) {
          test::report(__FILE__, __LINE__, where + ": mute");
          return;
        }
        const bool named = (seen.failure_code + ' ' + seen.detail).find(name) != std::string::npos;
        // What can pass has passed. (Of connect() the user is told at once: it may have taken long.)
        const bool moves = call == Call::kSend || call == Call::kReceive;
        const bool passes =
            error == EINTR || (moves && !for_good && (error == ENOBUFS || error == ENOMEM));
        if (went_well(seen) || (named && !passes)) continue;
        test::report(__FILE__, __LINE__, where + ": " + tell(seen));
      }
    }
  }
}

TEST("send, plain") { try_all(false, Call::kSend, kSendErrors); }
TEST("send, TLS") { try_all(true, Call::kSend, kSendErrors); }
TEST("recv, plain") { try_all(false, Call::kReceive, kReceiveErrors); }
TEST("recv, TLS") { try_all(true, Call::kReceive, kReceiveErrors); }
TEST("connect") { try_all(false, Call::kConnect, kConnectErrors); }
TEST("epoll_ctl, plain") { try_all(false, Call::kEpoll, kEpollErrors); }
TEST("epoll_ctl, TLS") { try_all(true, Call::kEpoll, kEpollErrors); }

TEST("masking keys: the device, where there is no getrandom()") {
  Faults& faults = Faults::get();
  for (const int error : {EINTR, ENOSYS, EPERM, EFAULT, EINVAL, EAGAIN}) {
    faults.plan(Call::kRandom, error, 0, error != EINTR);
    CHECK(MaskKeySource().ok());
    CHECK(faults.stop() > 0);
  }
}

TEST("masking keys: without any seed the engine does not start") {
  Faults& faults = Faults::get();
  for (const int error : {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, EPERM}) {
    faults.plan(Call::kSeed, error, 0, true);
    CHECK(!MaskKeySource().ok());
    CHECK(!Consumer(ServiceMode::kThread).engine.ok());
    CHECK(faults.stop() > 0);
  }
}

TEST("masking keys: no seed later does no harm") {
  Faults& faults = Faults::get();
  MaskKeySource source;
  faults.plan(Call::kSeed, EMFILE, 0, true);
  std::set<MaskKey> keys;
  for (int i = 0; i < 1100000; ++i) {
    const MaskKey key = source.next();
    if (i > 1000000) keys.insert(key);
  }
  CHECK(faults.stop() > 0);
  CHECK(keys.size() > 99900);
}

}  // namespace
}  // namespace vws

TEST_MAIN
