// An engine with several lanes: where connections go, what the lanes share, and that each connection sees what it would
// see with one.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "echo_server.h"
#include "member.h"
#include "net_support.h"
#include "server_support.h"

namespace vws::test {

namespace {

[[maybe_unused]] const bool kIgnored = ignore_broken_pipes();

constexpr ServiceMode kModes[] = {ServiceMode::kThread, ServiceMode::kAdaptive};

EngineSettings with_lanes(size_t lanes, ServiceMode mode = ServiceMode::kThread) {
  EngineSettings settings = Consumer::settings(mode);
  settings.lanes = lanes;
  return settings;
}

std::vector<uint32_t> loads(const Engine& engine) {
  std::vector<uint32_t> counts;
  for (const LaneLoad& load : engine.lane_loads()) counts.push_back(load.connections);
  return counts;
}

void leave(Consumer& consumer, const Member& member) {
  consumer.engine.terminate(member.id);
  CHECK(consumer.until([&] { return consumer.of(member.id).ended; }));
  consumer.engine.release(member.id);
}

}  // namespace

TEST("a connection goes to the lane that has the fewest") {
  Consumer consumer(with_lanes(3));
  std::vector<Member> members;
  for (int i = 0; i < 6; ++i) members.push_back(join(consumer));
  CHECK(loads(consumer.engine) == std::vector<uint32_t>({2, 2, 2}));
  // Where one has ended, there is room for the next.
  for (int i = 0; i < 6; ++i) {
    leave(consumer, members.front());
    members.erase(members.begin());
    const std::vector<uint32_t> after = loads(consumer.engine);
    CHECK_EQ(std::count(after.begin(), after.end(), 1u), 1);
    members.push_back(join(consumer));
    CHECK(loads(consumer.engine) == std::vector<uint32_t>({2, 2, 2}));
  }
  for (const Member& member : members) leave(consumer, member);
  CHECK(loads(consumer.engine) == std::vector<uint32_t>({0, 0, 0}));
}

TEST("who does not get so far gives its place back") {
  Consumer consumer(with_lanes(2));
  std::vector<int32_t> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(consumer.connect(1));  // nobody listens there
  for (const int32_t id : ids) {
    CHECK(consumer.until([&] { return consumer.of(id).ended; }));
    consumer.engine.release(id);
  }
  CHECK(loads(consumer.engine) == std::vector<uint32_t>({0, 0}));
}

TEST("clients live on all lanes, and get their own messages in order") {
  for (const ServiceMode mode : kModes) {
    EchoServer server;
    Consumer consumer(with_lanes(3, mode));
    std::vector<int32_t> ids;
    for (int i = 0; i < 9; ++i) ids.push_back(consumer.connect(server.port()));
    CHECK(consumer.until([&] {
      return std::all_of(ids.begin(), ids.end(),
                         [&](int32_t id) { return consumer.of(id).established; });
    }));
    constexpr size_t kMessages = 200;
    for (size_t i = 0; i < kMessages; ++i) {
      for (const int32_t id : ids) consumer.send(id, std::to_string(id * 1000) + std::to_string(i));
      if (i % 7 == 0) consumer.engine.flush();
    }
    for (const int32_t id : ids) {
      CHECK(consumer.until([&] { return consumer.of(id).messages.size() == kMessages; }));
      for (size_t i = 0; i < kMessages; ++i) {
        CHECK_EQ(consumer.of(id).messages[i], std::to_string(id * 1000) + std::to_string(i));
      }
      consumer.engine.close(id, 1000, "");
    }
    for (const int32_t id : ids) {
      CHECK(consumer.until([&] { return consumer.of(id).ended; }));
      CHECK_EQ(consumer.of(id).close_code, 1000);
      consumer.engine.release(id);
    }
    CHECK(consumer.engine.turn_times().sum() > TurnTimes::Duration(0));
  }
}

TEST("what is published reaches each lane, in its place among what is sent") {
  for (const ServiceMode mode : kModes) {
    Consumer consumer(with_lanes(2, mode));
    Engine& engine = consumer.engine;
    std::vector<Member> members;
    for (int i = 0; i < 6; ++i) {
      members.push_back(join(consumer));
      engine.subscribe(members.back().id, 7);
    }
    std::string expected;
    for (int round = 0; round < 50; ++round) {
      const std::string name = std::to_string(round);
      for (const Member& member : members) consumer.send(member.id, "before" + name);
      engine.publish(7, text(consumer, "all" + name), 0, members.size());
      for (const Member& member : members) consumer.send(member.id, "after" + name);
      expected += server_frame(kText, "before" + name) + server_frame(kText, "all" + name) +
                  server_frame(kText, "after" + name);
    }
    // To some of both lanes, and to all but one.
    const std::vector<int32_t> named{members[0].id, members[1].id, members[2].id, 9999};
    engine.publish(named, text(consumer, "named"));
    engine.unsubscribe(members[5].id, 7);
    engine.publish(7, text(consumer, "last"), members[3].id, 5);
    engine.flush();
    for (size_t i = 0; i < members.size(); ++i) {
      std::string own = expected;
      if (i < 3) own += server_frame(kText, "named");
      if (i != 3 && i != 5) own += server_frame(kText, "last");
      CHECK(members[i].wait_for(consumer, own));
    }
  }
}

TEST("lanes that compress the same publication do not get in each other's way") {
  Consumer consumer(with_lanes(3));
  AcceptOptions options;
  options.deflate = DeflateTerms();
  options.deflate->out_no_context_takeover = true;
  options.publish_threshold = 0;
  options.deflate_threshold = 0;
  std::vector<Member> members;
  for (int i = 0; i < 9; ++i) {
    members.push_back(join(consumer, options));
    consumer.engine.subscribe(members.back().id, 1);
  }
  constexpr int kRounds = 100;
  for (int i = 0; i < kRounds; ++i) {
    consumer.engine.publish(1, text(consumer, std::string(500, static_cast<char>('a' + i % 26))), 0,
                            members.size());
    consumer.engine.flush();
  }
  for (Member& member : members) {
    CHECK(consumer.until([&] {
      member.look();
      return consumer.engine.stats(member.id).messages_out == kRounds &&
             member.received.size() == consumer.engine.stats(member.id).wire_out;
    }));
    CHECK(member.received.size() < 500 * kRounds / 4);
    CHECK(member.received == members[0].received);
  }
}

TEST("lanes share the bound of what waits to be taken") {
  EngineSettings settings = with_lanes(2);
  settings.inbound_high_water = 1024 * 1024;
  settings.inbound_low_water = 256 * 1024;
  Consumer consumer(settings);
  constexpr size_t kMessages = 4000;
  const std::string payload(1000, 'x');
  std::vector<Member> members;
  for (int i = 0; i < 4; ++i) members.push_back(join(consumer));
  std::string head{static_cast<char>(0x82), static_cast<char>(0x80 | 126),
                   static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  const std::string frame = head + std::string(4, '\0') + payload;
  std::vector<std::thread> peers;
  for (const Member& member : members) {
    peers.emplace_back([&member, &frame] {
      for (size_t i = 0; i < kMessages; ++i) {
        for (size_t sent = 0; sent < frame.size();) {
          const ssize_t n = os::send(member.peer.get(), frame.data() + sent, frame.size() - sent);
          if (n > 0) sent += static_cast<size_t>(n);
          if (n < 0) std::this_thread::yield();
        }
      }
    });
  }
  size_t most = 0;
  Batch batch;
  size_t records = 0;
  const TimePoint end = Clock::now() + std::chrono::seconds(60);
  while (records < kMessages * members.size() && CHECK(Clock::now() < end)) {
    if (!consumer.engine.wait(100)) continue;
    most = std::max(most, consumer.engine.inbound_bytes());
    // Slower than they are.
    if (consumer.engine.take(batch)) records += batch.records.size();
    std::this_thread::yield();
  }
  for (std::thread& peer : peers) peer.join();
  // Each lane may have more in hand when the bound is passed.
  CHECK(most <= settings.inbound_high_water + 2 * 512 * 1024);
}

// ---- Servers

namespace {

struct Scene : ServerScene {
  explicit Scene(size_t lanes, const ListenerLimits& limits = {})
      : ServerScene(limits, nullptr, with_lanes(lanes)) {}
};

}  // namespace

TEST("accepted connections are spread, and each has its own number") {
  Scene scene(3);
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<int32_t> ids;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<RawClient>(scene.port));
    CHECK(clients.back()->say(kUpgradeRequest));
    Consumer::Request* request = scene.next_request();
    if (!CHECK(request != nullptr)) return;
    CHECK(std::find(ids.begin(), ids.end(), request->id) == ids.end());
    ids.push_back(request->id);
    scene.accept(request->id);
    CHECK_EQ(clients.back()->read(sizeof kGreeting - 1), kGreeting);
  }
  CHECK(loads(scene.consumer.engine) == std::vector<uint32_t>({4, 4, 4}));
  CHECK_EQ(scene.stats().connections, uint64_t{12});
  CHECK_EQ(scene.stats().accepted, uint64_t{12});
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i]->say(client_frame(kText, std::to_string(i)));
    Seen& seen = scene.consumer.of(ids[i]);
    CHECK(scene.consumer.until([&] { return seen.messages.size() == 1; }));
    CHECK_EQ(seen.messages[0], std::to_string(i));
  }
  for (const int32_t id : ids) scene.end(id);
  CHECK(scene.until(&ListenerStats::connections, 0));
  CHECK(loads(scene.consumer.engine) == std::vector<uint32_t>({0, 0, 0}));
  for (int i = 0; i < 6; ++i) CHECK(scene.serves());
}

TEST("limits of a listener are those of all lanes together") {
  ListenerLimits limits;
  limits.handshakes = 3;
  limits.connections = 5;
  Scene scene(2, limits);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<RawClient>(scene.port));
  CHECK(scene.until(&ListenerStats::handshakes, 3));
  CHECK(scene.until(&ListenerStats::over_handshakes, 1));
  // Whichever lane one of them ends on, the next is let in.
  for (int round = 0; round < 20; ++round) {
    clients.erase(clients.begin());
    CHECK(scene.until(&ListenerStats::accepted, static_cast<uint64_t>(4 + round)));
    clients.push_back(std::make_unique<RawClient>(scene.port));
  }
  clients.clear();
  CHECK(scene.until(&ListenerStats::connections, 0));
  CHECK(scene.until(&ListenerStats::handshakes, 0));
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(scene.port));
    clients.back()->say(kUpgradeRequest);
    Consumer::Request* request = scene.next_request();
    if (!CHECK(request != nullptr)) return;
    scene.accept(request->id);
  }
  RawClient sixth(scene.port);
  CHECK(sixth.is_ended());
  CHECK(scene.until(&ListenerStats::over_limit, 1));
}

TEST("a listener stops on all lanes, and what is under way goes on") {
  Scene scene(2);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<RawClient>(scene.port));
  CHECK(scene.until(&ListenerStats::handshakes, 4));
  scene.consumer.engine.unlisten(scene.listener);
  RawClient late(scene.port);
  CHECK(!late.connected());
  scene.consumer.engine.release_listener(scene.listener);
  for (const auto& client : clients) {
    client->say(kUpgradeRequest);
    Consumer::Request* request = scene.next_request();
    if (!CHECK(request != nullptr)) return;
    scene.accept(request->id);
    CHECK_EQ(client->read(sizeof kGreeting - 1), kGreeting);
    scene.end(request->id);
  }
  CHECK(loads(scene.consumer.engine) == std::vector<uint32_t>({0, 0}));
}

TEST("clients come and go on all lanes while everything is asked of the engine") {
  Scene scene(3);
  std::atomic<bool> done{false};
  std::vector<std::thread> peers;
  std::atomic<int> served{0};
  for (int i = 0; i < 4; ++i) {
    peers.emplace_back([&, i] {
      for (int round = 0; !done.load(); ++round) {
        RawClient client(scene.port);
        if (!client.connected() || !client.say(kUpgradeRequest)) continue;
        if ((round + i) % 5 == 0) continue;  // goes in the middle of it
        if (client.read(sizeof kGreeting - 1) != kGreeting) continue;
        client.say(client_frame(kText, "hello"));
        if (client.read(7) == server_frame(kText, "hello")) ++served;
        if ((round + i) % 3 == 0) client.reset();
      }
    });
  }
  Consumer& consumer = scene.consumer;
  std::vector<int32_t> open;
  size_t looked = 0;
  const auto step = [&] {
    for (; looked < consumer.requests.size(); ++looked) {
      const int32_t id = consumer.requests[looked].id;
      scene.accept(id);
      consumer.engine.subscribe(id, 3);
      open.push_back(id);
    }
    consumer.engine.publish(3, text(consumer, "x"), 0, 0);
    for (size_t i = open.size(); i-- > 0;) {
      Seen& seen = consumer.of(open[i]);
      if (seen.ended) {
        consumer.engine.release(open[i]);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (!seen.messages.empty()) {
        consumer.send(open[i], seen.messages[0]);
        seen.messages.clear();
        consumer.engine.stats(open[i]);
      }
    }
    scene.stats();
    consumer.engine.turn_times();
    return looked >= 300;
  };
  CHECK(consumer.until(step));
  done = true;
  // Who waits for an answer gets an end.
  scene.consumer.engine.unlisten(scene.listener);
  const auto all_gone = [&] {
    step();
    for (const int32_t id : open) consumer.engine.terminate(id);
    return open.empty();
  };
  std::atomic<bool> joined{false};
  std::thread joiner([&] {
    for (std::thread& peer : peers) peer.join();
    joined = true;
  });
  CHECK(consumer.until([&] { return all_gone() && joined.load(); }));
  joiner.join();
}

// ---- The end

TEST("an engine with lanes ends at any time, and tells once that its threads have ended") {
  EchoServer server;
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> stopped{0};
    EngineSettings settings = with_lanes(3, kModes[i % 2]);
    settings.stopped = [&] { ++stopped; };
    {
      Consumer consumer(settings);
      for (int k = 0; k < i % 7; ++k) consumer.connect(server.port());
      if (i % 3 == 0) {
        CHECK(consumer.engine.begin_end());
        const TimePoint end = Clock::now() + std::chrono::seconds(20);
        while (stopped == 0 && Clock::now() < end) std::this_thread::yield();
      }
    }
    CHECK_EQ(stopped.load(), 1);
  }
}

TEST("an engine with lanes ends while clients come") {
  for (int i = 0; i < 10; ++i) {
    std::vector<std::unique_ptr<RawClient>> clients;
    Scene scene(3);
    for (int k = 0; k < 10; ++k) {
      clients.push_back(std::make_unique<RawClient>(scene.port));
      clients.back()->say(kUpgradeRequest);
    }
    if (i % 2 == 0) scene.next_request();
  }
}

TEST("a consumer that waits is woken by each lane") {
  Consumer consumer(with_lanes(2, ServiceMode::kAdaptive));
  // As the binding does when it is asked: turns of the first lane are the consumer's.
  std::atomic<bool> asked{false};
  consumer.engine.turns().offer([&] { asked = true; });
  Member one = join(consumer);
  Member two = join(consumer);
  for (int round = 0; round < 200; ++round) {
    if (asked.exchange(false)) consumer.engine.turns().take();
    for (const Member* member : {&one, &two}) {
      member->say(client_frame(kText, "a"));
      Seen& seen = consumer.of(member->id);
      seen.messages.clear();
      CHECK(consumer.until([&] { return !seen.messages.empty(); }));
    }
  }
}

}  // namespace vws::test

TEST_MAIN
