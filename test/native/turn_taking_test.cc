// Who runs the turns when the consumer has an event loop of its own.

#include "engine/turn_taking.h"

#include <poll.h>

#include <atomic>
#include <string>
#include <thread>

#include "consumer.h"
#include "echo_server.h"
#include "harness.h"

namespace vws {
namespace {

using test::Consumer;
using test::EchoServer;

using std::chrono::microseconds;

// A consumer whose event loop takes part.
class Sharing {
 public:
  explicit Sharing(EchoServer::Mode mode = EchoServer::Mode::kEcho) : server(mode) {
    consumer.engine.turns().offer([this] { ++asked; });
    id = consumer.connect(server.port());
    CHECK(consumer.until([&] { return consumer.of(id).established; }));
  }

  // One message there and back.
  bool echo(const std::string& text) {
    const size_t before = consumer.of(id).messages.size();
    consumer.send(id, text, kBinary);
    return consumer.until([&] { return consumer.of(id).messages.size() > before; });
  }

  // Messages one by one until the turns have changed hands.
  bool until_consumer_runs() {
    const TimePoint end = Clock::now() + std::chrono::seconds(20);
    while (!consumer.engine.consumer_runs()) {
      if (Clock::now() > end || !echo("light")) return false;
      if (asked > taken) {
        taken = asked;
        CHECK(consumer.engine.turns().take());
      }
    }
    return true;
  }

  EchoServer server;
  std::atomic<int> asked{0};
  int taken = 0;
  Consumer consumer;
  int32_t id = 0;
};

template <typename Done>
bool soon(Done done) {
  const TimePoint end = Clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (Clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST("the thread begins, and keeps turns nobody has offered to run") {
  EchoServer server;
  Consumer consumer;
  CHECK(!consumer.engine.consumer_runs());
  CHECK(!consumer.engine.turns().take());
  CHECK(!consumer.engine.consumer_runs());
}

TEST("light turns go to the consumer, which loses nothing by it") {
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i);
    if (!CHECK(sharing.echo(text))) return;
    CHECK_EQ(sharing.consumer.of(sharing.id).messages.back(), text);
  }
  sharing.consumer.engine.close(sharing.id, 1000, "");
  CHECK(sharing.consumer.until([&] { return sharing.consumer.of(sharing.id).ended; }));
}

TEST("the descriptor turns readable when the consumer is to run a turn") {
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  Engine& engine = sharing.consumer.engine;
  sharing.consumer.send(sharing.id, "there and back", kBinary);
  engine.flush();
  while (engine.inbound_bytes() == 0) {
    pollfd descriptor{engine.poller().backend_fd(), POLLIN, 0};
    if (!CHECK_EQ(poll(&descriptor, 1, 20000), 1)) return;
    engine.turn();
  }
  CHECK(engine.consumer_runs());
}

TEST("nothing is left behind when turns change hands") {
  Sharing sharing;
  Engine& engine = sharing.consumer.engine;
  for (int round = 0; round < 8; ++round) {
    if (!CHECK(sharing.until_consumer_runs())) return;
    // The thread may still sleep in its last turn, and be woken by this.
    const int32_t id = sharing.consumer.connect(sharing.server.port());
    const TimePoint end = Clock::now() + std::chrono::seconds(20);
    while (engine.consumer_runs() && engine.inbound_bytes() == 0 && CHECK(Clock::now() < end)) {
      pollfd descriptor{engine.poller().backend_fd(), POLLIN, 0};
      poll(&descriptor, 1, 20000);
      engine.turn();
    }
    if (!CHECK(sharing.consumer.until([&] { return sharing.consumer.of(id).established; }))) {
      const test::Seen& seen = sharing.consumer.of(id);
      CHECK_EQ(seen.failure_code + ' ' + seen.failure_reason, "");
      CHECK(engine.consumer_runs());
      return;
    }
    engine.terminate(id);
    // Much at once makes the thread take over.
    sharing.consumer.send(sharing.id, std::string(TurnTaking::kMuch + 1, 'x'), kBinary);
    engine.flush();
  }
}

// No turn is run here: whatever comes is the thread's to notice, however long the consumer has been away.
TEST("a consumer that is busy with something else loses them") {
  Sharing sharing;
  Engine& engine = sharing.consumer.engine;
  for (int round = 0; round < 20; ++round) {
    if (!CHECK(sharing.until_consumer_runs())) return;  // it gives them back, too
    // Sometimes the thread has begun to stand by, sometimes it gives the consumer time, sometimes it is not there yet.
    if (round % 3 != 0) std::this_thread::sleep_for(Milliseconds(round));
    if (round % 2 != 0 && !CHECK(sharing.echo("awake"))) return;
    const size_t before = engine.inbound_bytes();
    sharing.consumer.send(sharing.id, "while you are away", kBinary);
    engine.flush();
    if (!CHECK(soon([&] { return engine.inbound_bytes() > before; }))) return;
  }
}

TEST("what falls due while the consumer is busy does not wait for it") {
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  Engine& engine = sharing.consumer.engine;
  const EchoServer silent(EchoServer::Mode::kSilent);
  ConnectionOptions options = test::options_for(silent.port());
  options.handshake_timeout = Milliseconds(100);
  engine.connect(std::move(options), Sender::Limits());
  // The consumer does all there is to do, and is busy only then.
  pollfd descriptor{engine.poller().backend_fd(), POLLIN, 0};
  while (engine.consumer_runs() && poll(&descriptor, 1, 5) > 0) engine.turn();
  const size_t before = engine.inbound_bytes();
  CHECK(soon([&] { return engine.inbound_bytes() > before; }));
  CHECK(!engine.consumer_runs());
}

TEST("a consumer that runs its turns in time keeps them") {
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  Engine& engine = sharing.consumer.engine;
  // Much longer than the thread's patience. A machine that forgets this thread for as long is forgiven once or twice.
  int lost = 0;
  for (int i = 0; i < 50; ++i) {
    const TimePoint end = Clock::now() + Milliseconds(5);
    while (Clock::now() < end) {
      pollfd descriptor{engine.poller().backend_fd(), POLLIN, 0};
      poll(&descriptor, 1, 1);
      engine.turn();
    }
    if (!CHECK(sharing.echo("here"))) return;
    if (!engine.consumer_runs()) {
      ++lost;
      if (!CHECK(sharing.until_consumer_runs())) return;
    }
  }
  CHECK(lost < 10);
}

TEST("heavy turns go to the thread") {
  if (std::thread::hardware_concurrency() == 1) return;
  Sharing sharing(EchoServer::Mode::kAmplify);
  if (!CHECK(sharing.until_consumer_runs())) return;
  CHECK(soon([&] {
    return !sharing.echo(std::string(100000, 'x')) || !sharing.consumer.engine.consumer_runs();
  }));
  CHECK(!sharing.consumer.engine.consumer_runs());
}

TEST("much at once goes to the thread") {
  if (std::thread::hardware_concurrency() == 1) return;
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  sharing.consumer.send(sharing.id, std::string(TurnTaking::kMuch + 1, 'x'), kBinary);
  sharing.consumer.engine.flush();
  CHECK(!sharing.consumer.engine.consumer_runs());
}

TEST("the engine ends whoever runs the turns") {
  {
    // The thread sleeps on the descriptor.
    Sharing asleep;
    CHECK(asleep.until_consumer_runs());
    std::this_thread::sleep_for(3 * TurnTaking::kPatience);
  }
  Sharing busy;
  CHECK(busy.until_consumer_runs());
}

TEST("the times of turns are classed, each class with its bound") {
  TurnTimes times;
  for (const int us : {0, 10, 11, 50000, 50001}) times.add(microseconds(us));
  CHECK(times.counts().front() == 2);
  CHECK(times.counts()[1] == 1);
  CHECK(times.counts()[TurnTimes::kBounds.size() - 1] == 1);
  CHECK(times.counts().back() == 1);
  CHECK(times.sum() == microseconds(100022));
}

TEST("the turns of the thread and of the consumer are timed") {
  Sharing sharing;
  const auto turns = [&] {
    uint64_t sum = 0;
    const TurnTimes times = sharing.consumer.engine.turn_times();
    for (const uint64_t count : times.counts()) sum += count;
    return sum;
  };
  const uint64_t of_thread = turns();
  CHECK(of_thread > 0);
  if (!CHECK(sharing.until_consumer_runs())) return;
  const uint64_t before = turns();
  CHECK(before > of_thread);
  CHECK(sharing.echo("x"));
  CHECK(turns() > before);
  CHECK(sharing.consumer.engine.turn_times().sum() > TurnTimes::Duration(0));
}

TEST("the meter judges shares of time and bytes of a turn") {
  const TimePoint start = Clock::now();
  const auto at = [start](int us) { return start + microseconds(us); };
  LoadMeter meter;
  const auto measure = [&](int busy_us, uint64_t bytes) {
    meter.restart(start);
    for (int i = 0; i < 100; ++i) meter.add(at(300 * i), at(300 * i + busy_us), bytes);
  };
  measure(30, 100);
  CHECK(meter.ripe() && meter.light() && !meter.heavy());
  measure(160, 100);
  CHECK(!meter.light() && !meter.heavy());
  measure(250, 100);
  CHECK(!meter.light() && meter.heavy());
  measure(30, LoadMeter::kBulkBytes);
  CHECK(!meter.light() && meter.heavy());
  measure(30, LoadMeter::kSmallBytes);
  CHECK(!meter.light() && !meter.heavy());
  // Many short turns are nobody's relief.
  meter.restart(start);
  for (int i = 0; i < 1000; ++i) meter.add(at(40 * i), at(40 * i + 35), 100);
  CHECK(meter.light() && !meter.heavy());
  meter.restart(start);
  meter.add(at(0), at(30000), 0);
  CHECK(!meter.ripe());  // one long turn says little
}

}  // namespace
}  // namespace vws

TEST_MAIN
