// The engine's listener: requests in every form and at every speed, what is answered by whom, and every limit passed.

#include <string>
#include <thread>
#include <vector>

#include "net_support.h"
#include "server_support.h"

namespace vws::test {

namespace {

const std::string kMalformed = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
const std::string kTooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n";
const std::string kTooSlow = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

std::string answer_to(const ServerScene& scene, const std::string& request) {
  RawClient client(scene.port);
  client.say(request);
  return client.read_all();
}

ListenerLimits limits_of(Milliseconds timeout) {
  ListenerLimits limits;
  limits.handshake_timeout = timeout;
  return limits;
}

void whole_and_in_bytes(ServiceMode mode) {
  ServerScene scene({}, nullptr, mode);
  const std::string request = kUpgradeRequest;
  for (const size_t piece : {request.size(), size_t{1}, size_t{7}}) {
    RawClient client(scene.port);
    for (size_t at = 0; at < request.size(); at += piece) client.say(request.substr(at, piece));
    Consumer::Request* found = scene.next_request();
    if (!CHECK(found != nullptr)) return;
    CHECK_EQ(found->value.listener, scene.listener);
    CHECK_EQ(found->value.method, "GET");
    CHECK_EQ(found->value.target, "/chat?x=1");
    CHECK_EQ(found->value.minor_version, 1);
    CHECK_EQ(found->value.headers,
             request.substr(request.find("\r\n") + 2, request.size() - request.find("\r\n") - 4));
    CHECK_EQ(found->value.remote_address, "127.0.0.1");
    CHECK_EQ(found->value.local_port, static_cast<int>(scene.port));
    CHECK_EQ(found->value.family, 4);
    CHECK(!found->value.tls);
    const int32_t id = found->id;
    scene.accept(id);
    CHECK_EQ(client.read(sizeof kGreeting - 1), kGreeting);
    scene.end(id);
  }
}

}  // namespace

TEST("a request whole, in single bytes and in pieces") { whole_and_in_bytes(ServiceMode::kThread); }
TEST("the same on the consumer's loop") { whole_and_in_bytes(ServiceMode::kLoop); }

TEST("frames that come with the request wait for the decision") {
  ServerScene scene;
  RawClient client(scene.port);
  client.say(kUpgradeRequest + client_frame(kText, "early") + client_frame(kText, "bird"));
  Consumer::Request* request = scene.next_request();
  if (!CHECK(request != nullptr)) return;
  const int32_t id = request->id;
  client.say(client_frame(kText, "late"));
  CHECK(scene.consumer.of(id).messages.empty());
  scene.accept(id);
  CHECK(scene.consumer.until([&] { return scene.consumer.of(id).messages.size() == 3; }));
  CHECK_EQ(scene.consumer.of(id).messages[0] + scene.consumer.of(id).messages[2], "earlylate");
  client.say(client_frame(kClose, std::string("\x03\xe8", 2)));
  CHECK(scene.consumer.until([&] { return scene.consumer.of(id).ended; }));
  CHECK_EQ(scene.consumer.of(id).close_code, 1000);
  scene.consumer.engine.release(id);
}

TEST("a refusal arrives whole although the client goes on sending") {
  ServerScene scene;
  RawClient client(scene.port);
  client.say(kUpgradeRequest);
  Consumer::Request* request = scene.next_request();
  if (!CHECK(request != nullptr)) return;
  const int32_t id = request->id;
  const std::string body(50000, 'x');
  for (int i = 0; i < 20; ++i) client.say(client_frame(kText, std::string(100, 'y')));
  scene.consumer.engine.refuse(id, "HTTP/1.1 401 Unauthorized\r\n\r\n" + body);
  for (int i = 0; i < 20; ++i) client.say(client_frame(kText, std::string(100, 'y')));
  CHECK_EQ(client.read_all(), "HTTP/1.1 401 Unauthorized\r\n\r\n" + body);
  client.reset();
  CHECK(scene.consumer.until([&] { return scene.consumer.of(id).ended; }));
  scene.consumer.engine.release(id);
  CHECK(scene.until(&ListenerStats::connections, 0));
}

TEST("a client that sends without end behind a refusal is cut off") {
  ServerScene scene;
  RawClient client(scene.port);
  client.say(kUpgradeRequest);
  Consumer::Request* request = scene.next_request();
  if (!CHECK(request != nullptr)) return;
  const int32_t id = request->id;
  scene.consumer.engine.refuse(id, "HTTP/1.1 401 Unauthorized\r\n\r\n");
  const std::string flood(64 * 1024, 'x');
  // What both systems keep, and what is read.
  constexpr size_t kMost = size_t{32} * 1024 * 1024;
  size_t sent = 0;
  while (sent < kMost && client.say(flood)) sent += flood.size();
  CHECK(sent < kMost);
  CHECK(scene.consumer.until([&] { return scene.consumer.of(id).ended; }));
  scene.consumer.engine.release(id);
}

TEST("a client that goes away while it is decided") {
  ServerScene scene;
  for (const bool by_reset : {false, true}) {
    RawClient client(scene.port);
    client.say(kUpgradeRequest);
    Consumer::Request* request = scene.next_request();
    if (!CHECK(request != nullptr)) return;
    const int32_t id = request->id;
    if (by_reset) {
      client.reset();
      CHECK(scene.consumer.until([&] { return scene.consumer.of(id).ended; }));
    } else {
      client.half_close();
      CHECK(scene.consumer.until([&] { return scene.consumer.of(id).stream_ended; }));
      // It may still read.
      scene.accept(id);
      CHECK_EQ(client.read(sizeof kGreeting - 1), kGreeting);
      CHECK(scene.consumer.until([&] { return scene.consumer.of(id).ended; }));
    }
    scene.consumer.engine.release(id);
  }
  CHECK(scene.until(&ListenerStats::connections, 0));
}

TEST("what asks for no upgrade") {
  ServerScene scene;
  CHECK_EQ(answer_to(scene, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
           "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nUpgrade: websocket\r\n"
           "Content-Type: text/plain\r\nContent-Length: 16\r\n\r\nUpgrade Required");
  CHECK_EQ(scene.stats().not_upgrades, uint64_t{1});
  // Its body does not matter.
  CHECK_EQ(answer_to(scene, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
               .substr(0, 12),
           "HTTP/1.1 426");
}

TEST("everything malformed has its status, and harms nobody else") {
  ServerScene scene;
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::vector<std::string> malformed = {
      "\x16\x03\x01",
      "GET / HTTP/1.1\nHost: h\n\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET  / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n" + upgrade + "Content-Length: 5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n" + upgrade + "Transfer-Encoding: chunked\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24),
  };
  for (const std::string& request : malformed) CHECK_EQ(answer_to(scene, request), kMalformed);
  CHECK_EQ(scene.stats().malformed, uint64_t{malformed.size()});
  CHECK(scene.serves());
}

TEST("limits of the head") {
  ListenerLimits limits;
  limits.head.bytes = 1000;
  limits.head.headers = 5;
  ServerScene scene(limits);
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\n";
  CHECK_EQ(answer_to(scene, begin + "A: " + std::string(1000, 'a')), kTooLarge);
  CHECK_EQ(answer_to(scene, begin + "A: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n"), kTooLarge);
  // Without end, until the answer has been read; what comes then is discarded for a while, and no longer.
  RawClient client(scene.port);
  const std::string much(64 * 1024, 'a');
  int said = 0;
  while (said < 1024 && client.say(much)) ++said;
  CHECK(said < 1024);
  CHECK(scene.until(&ListenerStats::over_header_size, 2));
  CHECK_EQ(scene.stats().over_headers_count, uint64_t{1});
  CHECK_EQ(scene.stats().malformed, uint64_t{0});
  CHECK(scene.until(&ListenerStats::connections, 0));
  CHECK(scene.serves());
}

TEST("a request that trickles, and one that never comes") {
  ServerScene scene(limits_of(Milliseconds(150)));
  RawClient silent(scene.port);
  RawClient slow(scene.port);
  const std::string request = kUpgradeRequest;
  for (size_t i = 0; i + 1 < request.size() && slow.is_quiet(10); ++i)
    slow.say(request.substr(i, 1));
  CHECK_EQ(slow.read_all(), kTooSlow);
  CHECK_EQ(silent.read_all(), kTooSlow);
  CHECK_EQ(scene.stats().timeouts, uint64_t{2});
  // A decision may take longer.
  RawClient client(scene.port);
  client.say(kUpgradeRequest);
  Consumer::Request* waits = scene.next_request();
  if (!CHECK(waits != nullptr)) return;
  RawClient measure(scene.port);
  CHECK_EQ(measure.read_all(), kTooSlow);
  scene.accept(waits->id);
  CHECK_EQ(client.read(sizeof kGreeting - 1), kGreeting);
}

TEST("a client that does not end after its answer is closed") {
  ServerScene scene;
  RawClient client(scene.port);
  client.say("nonsense\r\n\r\n");
  CHECK_EQ(client.read_all(), kMalformed);
  // It stays; but not for us.
  CHECK(scene.until(&ListenerStats::connections, 0));
}

TEST("connections in all") {
  ListenerLimits limits;
  limits.connections = 2;
  ServerScene scene(limits);
  RawClient first(scene.port);
  RawClient second(scene.port);
  first.say(kUpgradeRequest);
  Consumer::Request* request = scene.next_request();
  if (!CHECK(request != nullptr)) return;
  const int32_t id = request->id;
  scene.accept(id);
  CHECK(scene.until(&ListenerStats::accepted, 2));
  CHECK(RawClient(scene.port).is_ended());
  CHECK_EQ(scene.stats().over_limit, uint64_t{1});
  // One that has ended counts no more, nor does one that was never a WebSocket.
  second.reset();
  CHECK(scene.until(&ListenerStats::connections, 1));
  CHECK(scene.serves());
  scene.end(id);
  CHECK(scene.until(&ListenerStats::connections, 0));
}

TEST("connections of one address") {
  ListenerLimits limits;
  limits.connections_per_address = 1;
  ServerScene scene(limits);
  RawClient first(scene.port);
  CHECK(scene.until(&ListenerStats::accepted, 1));
  CHECK(RawClient(scene.port).is_ended());
  CHECK_EQ(scene.stats().over_limit_per_address, uint64_t{1});
  // From another address.
  UniqueFd other = bind_socket("127.0.0.2", 0, -1);
  const auto to = Address::from_numeric("127.0.0.1", scene.port);
  static_cast<void>(os::connect_socket(other.get(), to->data(), to->size()));
  CHECK(scene.until(&ListenerStats::accepted, 2));
  first.reset();
  CHECK(scene.until(&ListenerStats::connections, 1));
  CHECK(scene.serves());
}

TEST("handshakes at once: the others wait, and get their turn") {
  ListenerLimits limits;
  limits.handshakes = 3;
  ServerScene scene(limits);
  std::vector<RawClient> slow;
  slow.reserve(3);
  for (int i = 0; i < 3; ++i) slow.emplace_back(scene.port);
  CHECK(scene.until(&ListenerStats::handshakes, 3));
  std::vector<RawClient> more;
  more.reserve(5);
  for (int i = 0; i < 5; ++i) more.emplace_back(scene.port);
  for (RawClient& one : more) one.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK_EQ(scene.stats().accepted, uint64_t{3});
  CHECK(scene.stats().over_handshakes > 0);
  // One of the slow ones goes, and all of the others are served.
  slow[0].reset();
  for (RawClient& one : more) {
    CHECK_EQ(one.read_all().substr(0, 12), "HTTP/1.1 426");
    one.reset();
  }
  CHECK_EQ(scene.stats().accepted, uint64_t{8});
}

TEST("a listener that is closed while handshakes are under way") {
  ServerScene scene(limits_of(Milliseconds(20000)));
  RawClient half(scene.port);
  const std::string request = kUpgradeRequest;
  half.say(request.substr(0, 20));
  RawClient silent(scene.port);
  CHECK(scene.until(&ListenerStats::handshakes, 2));
  scene.consumer.engine.unlisten(scene.listener);
  // Nobody else gets in, but who is in gets an answer.
  CHECK(!RawClient(scene.port).connected());
  half.say(request.substr(20));
  Consumer::Request* found = scene.next_request();
  if (!CHECK(found != nullptr)) return;
  scene.consumer.engine.refuse(found->id, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  CHECK_EQ(half.read_all(), "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  CHECK_EQ(scene.stats().handshakes, uint64_t{1});
  CHECK_EQ(scene.stats().accepted, uint64_t{2});
  // Whoever is in still gets an answer when nobody asks for the counters any more.
  scene.consumer.engine.release_listener(scene.listener);
  silent.say("?");
  CHECK_EQ(silent.read_all(), kMalformed);
  CHECK(scene.until(&ListenerStats::accepted, 0));
}

TEST("an engine that ends in the middle leaves no descriptor") {
  const int before = open_descriptors();
  for (const ServiceMode mode :
       {ServiceMode::kThread, ServiceMode::kLoop, ServiceMode::kAdaptive}) {
    ServerScene scene({}, nullptr, mode);
    std::vector<RawClient> clients;
    clients.reserve(40);
    for (int i = 0; i < 40; ++i) {
      clients.emplace_back(scene.port);
      if (i % 4 == 1) clients.back().say("GET / HT");
      if (i % 4 == 2) clients.back().say("nonsense\r\n");
      if (i % 4 == 3) clients.back().say(kUpgradeRequest);
    }
    CHECK(scene.consumer.until([&] { return scene.consumer.requests.size() == 10; }));
    scene.accept(scene.consumer.requests[3].id);
  }
  CHECK_EQ(open_descriptors(), before);
}

TEST("many at once, of every kind") {
  ServerScene scene;
  constexpr int kRounds = 10;
  std::thread crowd([port = scene.port] {
    for (int round = 0; round < kRounds; ++round) {
      std::vector<RawClient> clients;
      clients.reserve(30);
      for (int i = 0; i < 30; ++i) {
        clients.emplace_back(port);
        if (i % 3 == 0) clients.back().say("nonsense\r\n\r\n");
        if (i % 3 == 1) clients.back().say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i % 3 == 2) clients.back().reset();
      }
      for (int i = 0; i < 30; ++i) {
        if (i % 3 != 2) clients[static_cast<size_t>(i)].read_all();
      }
    }
  });
  CHECK(scene.consumer.until([&] {
    const ListenerStats stats = scene.stats();
    return stats.malformed == 10 * kRounds && stats.not_upgrades == 10 * kRounds;
  }));
  crowd.join();
  CHECK(scene.until(&ListenerStats::connections, 0));
  CHECK(scene.serves());
}

}  // namespace vws::test

TEST_MAIN
