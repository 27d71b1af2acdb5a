// The engine as the binding uses it: its thread, its wake-ups and its ends, over the real libwebsockets.

#include "engine/engine.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "consumer.h"
#include "echo_server.h"
#include "harness.h"

namespace vws {
namespace {

using test::EchoServer;

using test::Consumer;
using test::options_for;

void round_trip(ServiceMode mode) {
  EchoServer server;
  Consumer consumer(mode);
  const int32_t id = consumer.connect(server.port());
  CHECK_EQ(static_cast<int>(consumer.send(id, "before")), 0);  // waits for the handshake
  if (!CHECK(consumer.until([&] { return consumer.of(id).established; }))) return;
  std::vector<std::string> sent{"before"};
  for (int i = 0; i < 2000; ++i) {
    sent.push_back(std::to_string(i) + std::string(static_cast<size_t>(i % 300), 'x'));
    consumer.send(id, sent.back(), i % 2 ? kText : kBinary);
    if (i % 37 == 0) consumer.engine.flush();
  }
  sent.push_back(std::string(300000, 'y'));
  consumer.send(id, sent.back(), kBinary);
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == sent.size(); }));
  CHECK(consumer.of(id).messages == sent);
  CHECK_EQ(consumer.engine.stats(id).messages_in, sent.size());
  consumer.engine.close(id, 1000, "bye");
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  CHECK_EQ(consumer.of(id).close_code, 1000);
  CHECK_EQ(static_cast<int>(consumer.send(id, "late")), static_cast<int>(SendResult::kClosed));
  consumer.engine.release(id);
}

TEST("messages come back whole and in order, on a thread") { round_trip(ServiceMode::kThread); }
TEST("messages come back whole and in order, adaptive") { round_trip(ServiceMode::kAdaptive); }
TEST("messages come back whole and in order, on the consumer's loop") {
  round_trip(ServiceMode::kLoop);
}

TEST("many connections at once") {
  EchoServer server;
  Consumer consumer;
  constexpr int kConnections = 150;
  std::vector<int32_t> ids;
  for (int i = 0; i < kConnections; ++i) ids.push_back(consumer.connect(server.port()));
  for (const int32_t id : ids) {
    for (int n = 0; n < 20; ++n) consumer.send(id, std::to_string(n));
  }
  CHECK(consumer.until([&] {
    for (const int32_t id : ids) {
      if (consumer.of(id).messages.size() < 20) return false;
    }
    return true;
  }));
  for (const int32_t id : ids) {
    for (int n = 0; n < 20; ++n)
      CHECK_EQ(consumer.of(id).messages[static_cast<size_t>(n)], std::to_string(n));
    consumer.engine.terminate(id);
  }
  CHECK(consumer.until([&] {
    for (const int32_t id : ids) {
      if (!consumer.of(id).ended) return false;
    }
    return true;
  }));
  CHECK_EQ(consumer.of(ids[0]).close_code, 1006);
}

TEST("one notification until everything is taken") {
  EchoServer server;
  Consumer consumer;
  const int32_t id = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
  const int before = consumer.notified;
  for (int i = 0; i < 5000; ++i) consumer.send(id, "x");
  consumer.engine.flush();
  // Nobody takes: however much arrives, the consumer was told once.
  while (consumer.engine.inbound_bytes() < 5000 * 64) std::this_thread::yield();
  // (The call for what came before may still have been under way.)
  CHECK(consumer.notified - before <= 2);
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 5000; }));
}

TEST("a full queue says so, and drains") {
  EchoServer server;
  Consumer consumer;
  Sender::Limits limits;
  limits.limit = 1000000;
  limits.high_water = 1000;
  const int32_t id = consumer.engine.connect(options_for(server.port()), limits);
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
  CHECK_EQ(static_cast<int>(consumer.send(id, std::string(900, 'a'))),
           static_cast<int>(SendResult::kOk));
  CHECK_EQ(static_cast<int>(consumer.send(id, std::string(900, 'b'))),
           static_cast<int>(SendResult::kFull));
  CHECK_EQ(static_cast<int>(consumer.send(id, std::string(1000000, 'c'))),
           static_cast<int>(SendResult::kLimit));
  CHECK(consumer.until(
      [&] { return consumer.of(id).drains == 1 && consumer.of(id).messages.size() == 2; }));
  CHECK_EQ(consumer.engine.sender(id)->buffered(), uint64_t{0});
}

// The service may have written all it knows of while the producer has queued more, which it will know of soon.
TEST("a queue that is full again before the drain was told drains again") {
  EchoServer server;
  Consumer consumer(ServiceMode::kThread);
  Sender::Limits limits;
  limits.high_water = 1000;
  const int32_t id = consumer.engine.connect(options_for(server.port()), limits);
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
  const std::string message(2000, 'a');
  for (int i = 0; i < 300; ++i) {
    consumer.send(id, message);
    consumer.engine.flush();
    consumer.send(id, message);
    while (consumer.engine.sender(id)->buffered() != message.size()) std::this_thread::yield();
    // Waits until the turn is over, so that what it has told has arrived.
    consumer.engine.stats(id);
    consumer.drain();
    consumer.of(id).drains = 0;
    if (!CHECK(consumer.until([&] { return consumer.of(id).drains != 0; }))) return;
  }
}

TEST("failures") {
  EchoServer garbage(EchoServer::Mode::kGarbage);
  EchoServer hang_up(EchoServer::Mode::kHangUp);
  EchoServer silent(EchoServer::Mode::kSilent);
  Consumer consumer;
  const int32_t refused = consumer.connect(1);
  const int32_t odd = consumer.connect(garbage.port());
  const int32_t dropped = consumer.connect(hang_up.port());
  ConnectionOptions impatient = options_for(silent.port());
  impatient.handshake_timeout = Milliseconds(100);
  const int32_t late = consumer.engine.connect(std::move(impatient), Sender::Limits());
  const int32_t given_up = consumer.connect(silent.port());
  consumer.engine.close(given_up, 0, "");
  CHECK(consumer.until([&] {
    for (const int32_t id : {refused, odd, dropped, late, given_up}) {
      if (!consumer.of(id).ended) return false;
    }
    return true;
  }));
  CHECK_EQ(consumer.of(refused).failure_code, "ECONNREFUSED");
  CHECK_EQ(consumer.of(odd).failure_reason, "HS: URI missing");
  CHECK(consumer.of(dropped).established);
  CHECK_EQ(consumer.of(dropped).close_code, 1006);
  CHECK_EQ(consumer.of(late).failure_code, "ERR_HANDSHAKE_TIMEOUT");
  CHECK_EQ(consumer.of(given_up).failure_code, "ERR_CONNECTION_ABORTED");
}

TEST("pause and resume") {
  EchoServer server;
  Consumer consumer;
  const int32_t id = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
  consumer.engine.pause(id);
  for (int i = 0; i < 100; ++i) consumer.send(id, "held");
  // A second connection shows that time passes and the service turns.
  const int32_t other = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(other).established; }));
  consumer.send(other, "x");
  CHECK(consumer.until([&] { return consumer.of(other).messages.size() == 1; }));
  CHECK_EQ(consumer.of(id).messages.size(), size_t{0});
  consumer.engine.resume(id);
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 100; }));
}

TEST("the engine ends at any stage") {
  EchoServer echo;
  EchoServer silent(EchoServer::Mode::kSilent);
  for (int stage = 0; stage < 6; ++stage) {
    Consumer consumer;
    if (stage == 0) continue;  // nothing was done
    const int32_t id = consumer.connect(stage == 1 ? silent.port() : echo.port());
    if (stage <= 2) continue;  // connecting, in the handshake
    consumer.send(id, std::string(1000000, 'q'));
    if (stage == 3) continue;  // queued
    CHECK(consumer.until([&] { return consumer.of(id).established; }));
    consumer.send(id, std::string(1000000, 'q'));
    consumer.engine.flush();
    if (stage == 5) consumer.engine.close(id, 1001, "");  // closing
  }
  CHECK(true);
}

TEST("two engines beside each other") {
  EchoServer server;
  Consumer one;
  Consumer two;
  const int32_t a = one.connect(server.port());
  const int32_t b = two.connect(server.port());
  one.send(a, "one");
  two.send(b, "two");
  CHECK(one.until([&] { return one.of(a).messages.size() == 1; }));
  CHECK(two.until([&] { return two.of(b).messages.size() == 1; }));
  CHECK_EQ(one.of(a).messages[0], "one");
  CHECK_EQ(two.of(b).messages[0], "two");
}

TEST("the consumer is told without a lock that it may want") {
  for (const ServiceMode mode : {ServiceMode::kThread, ServiceMode::kLoop}) {
    EchoServer server;
    Consumer consumer(mode);
    consumer.on_notify = [&] { consumer.engine.until_next_turn(); };  // would never come back
    const int32_t id = consumer.connect(server.port());
    CHECK(consumer.until([&] { return consumer.of(id).established; }));
    for (int i = 0; i < 20; ++i) consumer.send(id, std::string(100000, 'x'), kBinary);
    CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 20; }));
    CHECK(consumer.notified.load() > 0);
  }
}

TEST("engines may end while others log") {
  std::atomic<bool> done{false};
  std::thread busy([&] {
    while (!done.load()) Log::write(kLogUser, "busy");
  });
  for (int i = 0; i < 200; ++i) {
    Engine engine(Consumer::settings(ServiceMode::kLoop), [] {});
    engine.set_log(kLogUser, false);
    Batch batch;
    engine.turn();
    engine.take(batch);
  }
  done.store(true);
  busy.join();
}

// On the consumer's loop, so that the test sees what is planned.
TEST("memory of a burst is freed when it is over, and then nothing wakes up") {
  EchoServer server;
  Consumer consumer(ServiceMode::kLoop);
  const int32_t id = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
  for (int i = 0; i < 20; ++i) consumer.send(id, std::string(1000000, 'x'), kBinary);
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 20; }));
  CHECK(consumer.until([&] { return consumer.engine.until_next_turn().count() < 0; }));
  CHECK(BlockPool::shared().idle_bytes() <= BlockPool::kQuietBytes);
  CHECK(!Service::chunk_pool().bulky());
  consumer.send(id, "small");
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 21; }));
  // What the message left to be done is done, and no timer was made for it.
  CHECK(consumer.until([&] { return consumer.engine.until_next_turn().count() < 0; }));
}

TEST("memory of a burst is freed by the engine's own thread") {
  EchoServer server;
  Consumer consumer;
  const int32_t id = consumer.connect(server.port());
  for (int i = 0; i < 20; ++i) consumer.send(id, std::string(1000000, 'x'), kBinary);
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 20; }));
  CHECK(consumer.until([&] { return BlockPool::shared().idle_bytes() <= BlockPool::kQuietBytes; }));
}

// The thread that holds the loop while the other one sleeps must not leave it asleep with work undone.
void idles(ServiceMode mode) {
  EchoServer server;
  std::atomic<int> idle{0};
  std::atomic<int> stopped{0};
  EngineSettings settings = Consumer::settings(mode);
  settings.idle_interval = Milliseconds(20);
  settings.idle = [&] { ++idle; };
  settings.stopped = [&] { ++stopped; };
  Consumer consumer(settings);
  CHECK(consumer.engine.is_idle());
  // Nobody has connected yet.
  CHECK(consumer.until([&] { return idle == 1; }));
  for (int round = 2; round < 5; ++round) {
    const int32_t id = consumer.connect(server.port());
    CHECK(!consumer.engine.is_idle());
    CHECK(consumer.until([&] { return consumer.of(id).established; }));
    const TimePoint began = Clock::now();
    while (Clock::now() < began + Milliseconds(60)) consumer.engine.wait(10);
    CHECK_EQ(idle.load(), round - 1);
    consumer.engine.close(id, 1000, "");
    CHECK(consumer.until([&] { return consumer.of(id).ended; }));
    consumer.engine.release(id);
    CHECK(consumer.until([&] { return idle == round; }));
    // Once, and again when asked.
    while (consumer.engine.wait(40)) consumer.drain();
    CHECK_EQ(idle.load(), round);
    consumer.drain();
    CHECK(consumer.engine.is_idle());
  }
  consumer.engine.watch_idle_again();
  CHECK(consumer.until([&] { return idle == 5; }));
  CHECK_EQ(stopped.load(), 0);
  const bool has_thread = consumer.engine.begin_end();
  CHECK_EQ(has_thread, mode != ServiceMode::kLoop);
  if (!has_thread) return;
  const TimePoint end = Clock::now() + std::chrono::seconds(20);
  while (stopped == 0 && Clock::now() < end) std::this_thread::yield();
  CHECK_EQ(stopped.load(), 1);
}

TEST("an engine without connections says so once: on its thread") { idles(ServiceMode::kThread); }
TEST("an engine without connections says so once: adaptive") { idles(ServiceMode::kAdaptive); }
TEST("an engine without connections says so once: on the consumer's loop") {
  idles(ServiceMode::kLoop);
}

TEST("an engine is asked to end while it has connections, and at once") {
  EchoServer server;
  for (int i = 0; i < 20; ++i) {
    Consumer consumer(ServiceMode::kAdaptive);
    if (i % 2 == 0) consumer.connect(server.port());
    consumer.engine.begin_end();
    if (i % 4 < 2) consumer.engine.begin_end();
  }
}

TEST("who turns for a sleeping thread wakes it for what is left") {
  EventLoop loop;
  std::mutex mutex;
  // The sleeper takes it as well.
  // cppcheck-suppress localMutex
  std::unique_lock<std::mutex> lock(mutex);
  std::atomic<int> fired{0};
  std::atomic<bool> stop{false};
  std::thread sleeper([&] {
    std::unique_lock<std::mutex> own(mutex);
    while (!stop) loop.run_once(Milliseconds(-1), &own);
  });
  CHECK(!loop.sleeps_past_timer());
  lock.unlock();
  // Once it sleeps, which the lock shows: it lets go of it only then.
  for (;;) {
    lock.lock();
    const EventLoop::TimerId timer = loop.after(Milliseconds(20), [&] { ++fired; });
    if (loop.sleeps_past_timer()) break;
    loop.cancel(timer);
    lock.unlock();
    std::this_thread::yield();
  }
  loop.wake();
  lock.unlock();
  while (fired == 0) std::this_thread::yield();
  // A timer that is later than the one it will wake for changes nothing.
  lock.lock();
  loop.after(std::chrono::hours(1), [] {});
  lock.unlock();
  loop.wake();
  for (;;) {
    lock.lock();
    const EventLoop::TimerId timer = loop.after(std::chrono::hours(2), [] {});
    const bool past = loop.sleeps_past_timer();
    loop.cancel(timer);
    lock.unlock();
    if (!past) break;
    std::this_thread::yield();
  }
  stop = true;
  loop.wake();
  sleeper.join();
}

TEST("the log reaches those who asked") {
  Consumer consumer;
  consumer.engine.set_log(kAllLogLevels, false);
  EchoServer server;
  const int32_t id = consumer.connect(server.port());
  CHECK(consumer.until([&] { return consumer.of(id).established; }));
  CHECK(Log::enabled(kLogParser));
  consumer.engine.set_log(0, false);
  CHECK(!Log::enabled(kLogParser));
}

}  // namespace
}  // namespace vws

TEST_MAIN
