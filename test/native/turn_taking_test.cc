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
  Sharing() {
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
  engine.turns().sleeps();
  sharing.consumer.send(sharing.id, "there and back", kBinary);
  engine.flush();
  while (engine.inbound_bytes() == 0) {
    pollfd descriptor{engine.backend_fd(), POLLIN, 0};
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
      pollfd descriptor{engine.backend_fd(), POLLIN, 0};
      poll(&descriptor, 1, static_cast<int>(engine.until_next_turn().count()));
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

TEST("a consumer that is busy with something else loses them") {
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  Engine& engine = sharing.consumer.engine;
  engine.turns().woke();
  // No turn is run here: the thread looks by itself. (The first message may meet it where it has not yet begun to
  // stand by.)
  CHECK(soon([&] {
    const size_t before = engine.inbound_bytes();
    sharing.consumer.send(sharing.id, "while you are away", kBinary);
    engine.flush();
    return soon([&] { return engine.inbound_bytes() > before; }) && !engine.consumer_runs();
  }));
  CHECK(sharing.until_consumer_runs());  // and gives them back
}

TEST("heavy turns go to the thread") {
  if (std::thread::hardware_concurrency() == 1) return;
  Sharing sharing;
  if (!CHECK(sharing.until_consumer_runs())) return;
  CHECK(soon([&] {
    return !sharing.echo(std::string(100000, 'x')) || !sharing.consumer.engine.consumer_runs();
  }));
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
    Sharing asleep;
    CHECK(asleep.until_consumer_runs());
    asleep.consumer.engine.turns().sleeps();
  }
  Sharing busy;
  CHECK(busy.until_consumer_runs());
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
