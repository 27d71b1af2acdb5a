// Messages for many connections: who gets them, in which order, and what becomes of them where a peer is slow.

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "member.h"
#include "net_support.h"
#include "server_support.h"

namespace vws::test {

namespace {

[[maybe_unused]] const bool kIgnored = ignore_broken_pipes();

constexpr ServiceMode kModes[] = {ServiceMode::kThread, ServiceMode::kAdaptive, ServiceMode::kLoop};

}  // namespace

TEST("whoever subscribes gets what is published, in its place among what is sent") {
  for (const ServiceMode mode : kModes) {
    Consumer consumer(mode);
    Member one = join(consumer);
    Member two = join(consumer);
    Member three = join(consumer);
    Engine& engine = consumer.engine;
    for (const Member* member : {&one, &two}) engine.subscribe(member->id, 7);
    engine.subscribe(three.id, 8);
    consumer.send(one.id, "before");
    engine.publish(7, text(consumer, "first"), 0, 2);
    consumer.send(one.id, "between");
    engine.publish(7, text(consumer, "second"), two.id, 2);
    engine.publish(9, text(consumer, "nobody's"), 0, 0);
    engine.unsubscribe(two.id, 7);
    engine.publish(7, text(consumer, "third"), 0, 1);
    engine.publish(std::vector<int32_t>{two.id, three.id, 999}, text(consumer, "named"));
    CHECK(one.wait_for(consumer, server_frame(kText, "before") + server_frame(kText, "first") +
                                     server_frame(kText, "between") +
                                     server_frame(kText, "second") + server_frame(kText, "third")));
    CHECK(two.wait_for(consumer, server_frame(kText, "first") + server_frame(kText, "named")));
    CHECK(three.wait_for(consumer, server_frame(kText, "named")));
  }
}

TEST("a message framed before goes out in its place, and is compressed once for all") {
  for (const ServiceMode mode : kModes) {
    Consumer consumer(mode);
    Member plain = join(consumer);
    AcceptOptions compressing;
    compressing.deflate = DeflateTerms();
    compressing.deflate_threshold = compressing.publish_threshold = 100;
    Member one = join(consumer, compressing);
    Member two = join(consumer, compressing);
    const std::string payload(5000, 'x');
    const auto message = text(consumer, payload);
    for (const Member* member : {&plain, &one, &two}) {
      for (int i = 0; i < 2; ++i) {
        CHECK_EQ(consumer.engine.sender(member->id)->send(message), SendResult::kOk);
        consumer.engine.touch(member->id);
      }
      consumer.engine.sender(member->id)->send(text(consumer, "short"));
      consumer.engine.touch(member->id);
    }
    const SharedBytes& frame = message->plain();
    const std::string whole(reinterpret_cast<const char*>(frame.data()), frame.size());
    CHECK_EQ(whole.size(), payload.size() + 4);
    CHECK(plain.wait_for(consumer, whole + whole + server_frame(kText, "short")));
    // The same bytes twice: each begins with an empty window.
    const std::string end = server_frame(kText, "short");
    const auto has_all = [&] {
      const std::string& got = one.look();
      return two.look().size() == got.size() && got.size() > end.size() &&
             got.compare(got.size() - end.size(), end.size(), end) == 0;
    };
    CHECK(consumer.until(has_all));
    CHECK(one.received == two.received);
    const size_t half = (one.received.size() - end.size()) / 2;
    CHECK(half < 100);
    CHECK_EQ(static_cast<uint8_t>(one.received[0]), 0xc1);
    CHECK(one.received.compare(0, half, one.received, half, half) == 0);
    const ConnectionStats stats = consumer.engine.stats(one.id);
    CHECK_EQ(stats.messages_out, 3u);
    CHECK_EQ(stats.plain_out, 2 * payload.size());
    CHECK_EQ(consumer.engine.sender(one.id)->buffered(), 0u);
  }
}

TEST("lists of subscribers stay right whoever comes and goes") {
  Random random;
  Consumer consumer(ServiceMode::kLoop);
  std::vector<Member> members;
  std::vector<std::string> expected;
  for (int i = 0; i < 8; ++i) {
    members.push_back(join(consumer));
    expected.emplace_back();
  }
  std::map<int32_t, std::set<size_t>> topics;
  for (int round = 0; round < 3000; ++round) {
    const int32_t topic = 1 + static_cast<int32_t>(random.below(5));
    const size_t who = random.below(members.size());
    const size_t act = random.below(20);
    Engine& engine = consumer.engine;
    if (act == 0) {
      // It ends, and another comes in its place.
      CHECK(members[who].wait_for(consumer, expected[who]));
      engine.terminate(members[who].id);
      CHECK(consumer.until([&] { return consumer.of(members[who].id).ended; }));
      engine.release(members[who].id);
      for (auto& [number, subscribers] : topics) subscribers.erase(who);
      members[who] = join(consumer);
      expected[who].clear();
    } else if (act < 8) {
      engine.subscribe(members[who].id, topic);
      topics[topic].insert(who);
    } else if (act < 12) {
      engine.unsubscribe(members[who].id, topic);
      topics[topic].erase(who);
    } else {
      const std::string payload = std::to_string(round);
      engine.publish(topic, text(consumer, payload), 0, topics[topic].size());
      for (const size_t one : topics[topic]) expected[one] += server_frame(kText, payload);
    }
  }
  for (size_t i = 0; i < members.size(); ++i) CHECK(members[i].wait_for(consumer, expected[i]));
}

namespace {

// Publishes so many messages of 1,000 bytes to a member whose peer does not read, then has it read all. Returns the
// numbers of those that came.
std::vector<int> slow(ServiceMode mode, bool drop_oldest, int count, Seen* seen) {
  Consumer consumer(mode);
  AcceptOptions options;
  options.publish_limit = 512 * 1024;
  options.drop_oldest = drop_oldest;
  Member member = join(consumer, options);
  consumer.engine.subscribe(member.id, 1);
  const auto numbered = [](int number) {
    std::string payload = std::to_string(number);
    return payload + std::string(1000 - payload.size(), ' ');
  };
  for (int i = 0; i < count; ++i) {
    consumer.engine.publish(1, text(consumer, numbered(i)), 0, 1);
    consumer.engine.flush();
  }
  consumer.send(member.id, "the end");
  const std::string end = server_frame(kText, "the end");
  const auto ended = [&] {
    const std::string& all = member.look();
    return all.size() > end.size() && all.compare(all.size() - end.size(), end.size(), end) == 0;
  };
  CHECK(consumer.until(ended));
  *seen = consumer.of(member.id);
  std::vector<int> numbers;
  constexpr size_t kFrame = 4 + 1000;
  CHECK_EQ((member.received.size() - end.size()) % kFrame, size_t{0});
  for (size_t at = 0; at + end.size() < member.received.size(); at += kFrame) {
    CHECK_EQ(member.received.substr(at, 4), std::string("\x81\x7e\x03\xe8", 4));
    numbers.push_back(std::stoi(member.received.substr(at + 4, 10)));
  }
  return numbers;
}

}  // namespace

TEST("a peer that does not read loses the newest, or the oldest, and each loss is told") {
  constexpr int kCount = 3000;
  for (const ServiceMode mode : kModes) {
    for (const bool drop_oldest : {false, true}) {
      Seen seen;
      const std::vector<int> numbers = slow(mode, drop_oldest, kCount, &seen);
      CHECK(seen.dropped > 0);
      CHECK_EQ(seen.dropped_bytes, seen.dropped * 1000);
      CHECK_EQ(numbers.size() + seen.dropped, size_t{kCount});
      CHECK(std::is_sorted(numbers.begin(), numbers.end()));
      CHECK_EQ(numbers.front(), 0);
      if (drop_oldest) CHECK_EQ(numbers.back(), kCount - 1);
      // What is kept in any case, and what the limit leaves, in a socket's buffer and behind it.
      CHECK(numbers.size() >= 512 * 1024 / (1000 + Sender::kFrameCost));
    }
  }
}

TEST("what is published in one turn is lost only where the socket does not take it") {
  for (const ServiceMode mode : kModes) {
    Consumer consumer(mode);
    AcceptOptions options;
    options.publish_limit = 1000;
    Member member = join(consumer, options);
    consumer.engine.subscribe(member.id, 1);
    const std::string payload(100, 'x');
    std::string expected;
    for (int i = 0; i < 100; ++i) {
      consumer.engine.publish(1, text(consumer, payload), 0, 1);
      expected += server_frame(kText, payload);
    }
    consumer.engine.flush();
    CHECK(member.wait_for(consumer, expected));
    CHECK_EQ(consumer.of(member.id).dropped, size_t{0});
  }
}

TEST(
    "what is sent behind publications that wait is told of when it is written, and not over and "
    "over before") {
  Consumer consumer(ServiceMode::kLoop);
  Member member = join(consumer);
  consumer.engine.subscribe(member.id, 1);
  const std::string payload(10000, 'x');
  while (consumer.of(member.id).dropped == 0) {
    for (int i = 0; i < 50; ++i) consumer.engine.publish(1, text(consumer, payload), 0, 1);
    consumer.engine.flush();
    turn(consumer);
  }
  consumer.send(member.id, "own");
  consumer.engine.watch_progress(member.id);
  consumer.engine.flush();
  turn(consumer);
  CHECK(consumer.of(member.id).flushes == 0);
  CHECK(consumer.until([&] {
    member.look();
    return consumer.of(member.id).flushes == 1;
  }));
}

TEST("nothing is published between the fragments of a message") {
  for (const ServiceMode mode : kModes) {
    Consumer consumer(mode);
    Member member = join(consumer);
    consumer.engine.subscribe(member.id, 1);
    const auto fragment = [&](const std::string& payload, uint8_t opcode, bool fin) {
      SendOptions options;
      options.opcode = opcode;
      options.fin = fin;
      consumer.engine.sender(member.id)->send(reinterpret_cast<const uint8_t*>(payload.data()),
                                              payload.size(), options);
      consumer.engine.touch(member.id);
    };
    fragment("a", kText, false);
    consumer.engine.publish(1, text(consumer, "one"), 0, 1);
    fragment("b", kContinuation, false);
    consumer.engine.publish(1, text(consumer, "two"), 0, 1);
    fragment("c", kContinuation, true);
    consumer.engine.flush();  // what is handed over together stays together
    consumer.send(member.id, "last");
    const std::string message = std::string(
                                    "\x01\x01"
                                    "a",
                                    3) +
                                std::string(
                                    "\x00\x01"
                                    "b",
                                    3) +
                                std::string(
                                    "\x80\x01"
                                    "c",
                                    3);
    CHECK(member.wait_for(consumer, message + server_frame(kText, "one") +
                                        server_frame(kText, "two") + server_frame(kText, "last")));
  }
}

TEST("what waits goes out before the Close frame, and nothing after it") {
  Consumer consumer(ServiceMode::kLoop);
  Member member = join(consumer);
  consumer.engine.subscribe(member.id, 1);
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string payload(1000, static_cast<char>('a' + i % 26));
    consumer.engine.publish(1, text(consumer, payload), 0, 1);
    expected += std::string("\x81\x7e\x03\xe8", 4) + payload;
  }
  consumer.engine.close(member.id, 1000, "");
  consumer.engine.publish(1, text(consumer, "late"), 0, 1);
  CHECK(member.wait_for(consumer, expected + std::string("\x88\x02\x03\xe8", 4)));
  member.peer.reset();
  CHECK(consumer.until([&] { return consumer.of(member.id).ended; }));
}

}  // namespace vws::test

TEST_MAIN
