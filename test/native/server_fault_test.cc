// What the system rarely does to a server, at every call: accept4(), recv(), send() and epoll_ctl() fail, once and for
// good, with every errno they have. What can pass is tried again; what cannot ends that connection; and the listener
// goes on accepting. All timeouts are off: what stays mute is found by this test's own limit.

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "engine/os/error_names.h"
#include "faults.h"
#include "server_support.h"
#include "server_tls_support.h"

namespace vws::test {

namespace {

// As Node does.
[[maybe_unused]] const auto kBefore = std::signal(SIGPIPE, SIG_IGN);

const std::vector<int> kAcceptErrors = {
    EMFILE,      ENFILE, ENOBUFS,   ENOMEM, ECONNABORTED, EINTR,  EPROTO,      EPERM,      ENETDOWN,
    ENOPROTOOPT, ENONET, EHOSTDOWN, EIO,    EHOSTUNREACH, EINVAL, ENETUNREACH, EOPNOTSUPP, EFAULT};
const std::vector<int> kSendErrors = {EPERM, EHOSTUNREACH, EPIPE,   ECONNRESET, EIO,
                                      EBADF, EINVAL,       ENOBUFS, ENOMEM,     EINTR};
const std::vector<int> kReceiveErrors = {ECONNRESET, ETIMEDOUT, ENOTCONN, EIO,
                                         EBADF,      ENOBUFS,   ENOMEM,   EINTR};
const std::vector<int> kEpollErrors = {ENOMEM, ENOSPC, EPERM, EBADF};

bool is_passing(int error) { return error == ENOBUFS || error == ENOMEM || error == EINTR; }

struct Outcome {
  bool whole = false;    // from the request to the Close frame
  bool refused = false;  // likewise, of a request that is answered by the listener
  bool mute = false;     // nothing comes any more
};

class Scene {
 public:
  explicit Scene(bool tls) : scene_(no_timeout(), tls ? server_tls() : nullptr), tls_(tls) {
    Faults::get().follow(Faults::Follow::kAccepted);
  }

  Outcome live() {
    Outcome outcome;
    outcome.whole = converse(&outcome.mute);
    return outcome;
  }

  // A request, a greeting, a message back and forth, a Close frame.
  bool converse(bool* mute) {
    TlsClient client(scene_.port, tls_);
    // Its request, or its end. A request may come from a client that has seen its end already.
    bool ended = !client.say(kUpgradeRequest);
    const int port = client.raw().local_port();
    const auto has_come = [&] {
      const auto& requests = scene_.consumer.requests;
      return !requests.empty() && requests.back().value.remote_port == port;
    };
    *mute = !scene_.consumer.until([&] {
      ended = ended || client.has_ended();
      return ended || has_come();
    });
    if (!has_come()) return false;
    const int32_t id = scene_.consumer.requests.back().id;
    Seen& seen = scene_.consumer.of(id);
    scene_.accept(id);
    client.say(client_frame(kText, "hello"));
    *mute = !scene_.consumer.until([&] { return seen.ended || !seen.messages.empty(); });
    if (!seen.ended && !*mute) {
      scene_.consumer.send(id, seen.messages[0]);
      scene_.consumer.engine.close(id, 1000, {});
      const std::string all = client.read(sizeof kGreeting - 1 + 7 + 4);
      client.say(client_frame(kClose, std::string("\x03\xe8", 2)));
      client.half_close();
      *mute = !scene_.consumer.until([&] { return seen.ended; });
    }
    if (*mute) scene_.consumer.engine.terminate(id);
    const bool well = seen.messages.size() == 1 && seen.close_code == 1000;
    scene_.consumer.engine.release(id);
    return well;
  }

  ServerScene& server() { return scene_; }

 private:
  static ListenerLimits no_timeout() {
    ListenerLimits limits;
    limits.handshake_timeout = Milliseconds(0);
    return limits;
  }

  ServerScene scene_;
  const bool tls_;
};

void try_all(bool tls, Call call, const std::vector<int>& errors, bool at_listener = false) {
  Scene scene(tls);
  Faults& faults = Faults::get();
  if (at_listener) faults.include(scene.server().fd);
  for (int i = 0; i < 2; ++i) {
    faults.plan(call, 0, -1, false);
    if (!CHECK(scene.live().whole)) return;
  }
  const int calls = faults.stop();
  if (!CHECK(calls > 0)) return;
  for (const int error : errors) {
    for (int at = 0; at < std::min(calls, 10); ++at) {
      for (const bool for_good : {false, true}) {
        // Nobody interrupts for ever; and for good, what can pass is waited for longer than a test may take.
        if (for_good && is_passing(error)) continue;
        if (for_good && at_listener) continue;
        faults.plan(call, error, at, for_good);
        const Outcome outcome = scene.live();
        faults.stop();
        const std::string where =
            errno_name(error) + (for_good ? " from call " : " at call ") + std::to_string(at);
        if (outcome.mute) {
          report(__FILE__, __LINE__, where + ": mute");
          return;
        }
        const bool passes = at_listener || (call != Call::kEpoll && is_passing(error));
        if (passes && !outcome.whole) report(__FILE__, __LINE__, where + ": has not passed");
        // And the listener goes on.
        if (!CHECK(scene.live().whole)) return;
      }
    }
  }
}

}  // namespace

TEST("accept4") { try_all(false, Call::kAccept, kAcceptErrors, true); }
TEST("recv, plain") { try_all(false, Call::kReceive, kReceiveErrors); }
TEST("recv, TLS") { try_all(true, Call::kReceive, kReceiveErrors); }
TEST("send, plain") { try_all(false, Call::kSend, kSendErrors); }
TEST("send, TLS") { try_all(true, Call::kSend, kSendErrors); }
TEST("epoll_ctl, plain") { try_all(false, Call::kEpoll, kEpollErrors); }
TEST("epoll_ctl, TLS") { try_all(true, Call::kEpoll, kEpollErrors); }

TEST("descriptors run out, and come back") {
  Scene scene(false);
  Faults& faults = Faults::get();
  faults.include(scene.server().fd);
  for (const int error : {EMFILE, ENFILE, ENOMEM, ENOBUFS}) {
    faults.plan(Call::kAccept, error, 0, true);
    std::vector<RawClient> waiting;
    waiting.reserve(3);
    for (int i = 0; i < 3; ++i) waiting.emplace_back(scene.server().port);
    for (RawClient& one : waiting) one.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(scene.server().consumer.until([&] { return faults.calls() >= 3; }));
    // Not in a loop that turns for nothing.
    CHECK(faults.stop() < 20);
    for (RawClient& one : waiting) CHECK_EQ(one.read_all().substr(0, 12), "HTTP/1.1 426");
  }
}

TEST("the kernel does not watch the listening socket, for a while") {
  Faults& faults = Faults::get();
  faults.follow(Faults::Follow::kAccepted);
  for (const int error : kEpollErrors) {
    ListenAddress where;
    where.host = "127.0.0.1";
    ListenError none;
    UniqueFd socket = open_listening_socket(where, &none);
    const uint16_t port = Address::local_of(socket.get()).port();
    faults.include(socket.get());
    Consumer consumer(ServiceMode::kThread);
    faults.plan(Call::kEpoll, error, 0, true);
    consumer.engine.listen(std::move(socket), ListenerSettings(), nullptr);
    CHECK(consumer.until([&] { return faults.calls() >= 2; }));
    faults.stop();
    RawClient client(port);
    client.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK_EQ(client.read_all().substr(0, 12), "HTTP/1.1 426");
  }
}

TEST("nor when the limit on handshakes has let it go") {
  Faults& faults = Faults::get();
  ListenerLimits limits;
  limits.handshakes = 1;
  ServerScene scene(limits);
  faults.include(scene.fd);
  RawClient slow(scene.port);
  CHECK(scene.until(&ListenerStats::handshakes, 1));
  RawClient next(scene.port);
  next.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  faults.plan(Call::kEpoll, ENOMEM, 0, true);
  slow.reset();
  CHECK(scene.consumer.until([&] { return faults.calls() >= 2; }));
  faults.stop();
  CHECK_EQ(next.read_all().substr(0, 12), "HTTP/1.1 426");
}

TEST("a refusal whose socket has no memory") {
  Faults& faults = Faults::get();
  faults.follow(Faults::Follow::kAccepted);
  ServerScene scene;
  for (const Call call : {Call::kSend, Call::kReceive}) {
    RawClient client(scene.port);
    client.say(kUpgradeRequest);
    Consumer::Request* request = scene.next_request();
    if (!CHECK(request != nullptr)) return;
    faults.plan(call, ENOMEM, 0, true);
    const int32_t id = request->id;
    client.say("more");
    scene.consumer.engine.refuse(id, "HTTP/1.1 401 Unauthorized\r\n\r\n");
    CHECK(scene.consumer.until([&] { return faults.calls() >= 3; }));
    CHECK(faults.stop() < 100);
    CHECK_EQ(client.read_all(), "HTTP/1.1 401 Unauthorized\r\n\r\n");
    client.reset();
    CHECK(scene.consumer.until([&] { return scene.consumer.of(id).ended; }));
    scene.consumer.engine.release(id);
  }
}

}  // namespace vws::test

TEST_MAIN
