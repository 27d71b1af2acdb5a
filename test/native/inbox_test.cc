// The way from the service to the consumer: what waits is counted by the memory it holds, small turns share
// a batch, and whoever stopped reading is told when to go on.

#include "engine/inbox.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <string>
#include <thread>
#include <utility>

#include "harness.h"

namespace vws {
namespace {

constexpr size_t kHigh = 2 * 1024 * 1024;
constexpr size_t kLow = 512 * 1024;
// A batch more than the mark: what was being added when it was passed, and what was left unfinished before it.
constexpr size_t kSlack = 512 * 1024;

// What a lane adds, and the consumer takes.
struct Way {
  explicit Way(size_t high = kHigh, size_t low = kLow, bool batching = true)
      : arrivals([] {}, high, low), inbox(arrivals, batching) {}
  // below_low: the lane has stopped reading, and should look whether it may go on.
  bool take(Batch& batch, bool* below_low) {
    const bool taken = arrivals.take(batch);
    *below_low = taken && inbox.may_go_on();
    return taken;
  }

  Arrivals arrivals;
  Inbox inbox;
};

// What a batch really has of the process's memory, but for what malloc needs itself.
size_t held(const Batch& batch) {
  size_t bytes = batch.slab.capacity() + batch.text.capacity();
  bytes += batch.records.capacity() * sizeof(Record) + batch.values.capacity() * sizeof(Value);
  for (const Value& value : batch.values) {
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->capacity();
    if (const auto* line = std::get_if<TextValue>(&value)) bytes += line->text.capacity();
    if (const auto* block = std::get_if<Block>(&value)) bytes += block->capacity();
    if (const auto* closed = std::get_if<Boxed<ClosedValue>>(&value))
      bytes += sizeof(ClosedValue) + (*closed)->reason.capacity() + (*closed)->detail.capacity();
    if (const auto* failure = std::get_if<Boxed<FailureValue>>(&value))
      bytes += sizeof(FailureValue) + (*failure)->response.headers.capacity() +
               (*failure)->response.body.capacity();
    if (const auto* made = std::get_if<Boxed<EstablishedValue>>(&value))
      bytes += sizeof(EstablishedValue) + (*made)->response.headers.capacity();
  }
  return bytes;
}

struct Taken {
  size_t batches = 0;
  size_t records = 0;
  size_t bytes = 0;
  bool told = false;
};

Taken take_all(Way& way) {
  Taken taken;
  Batch batch;
  for (bool below_low = false; way.take(batch, &below_low);) {
    ++taken.batches;
    taken.records += batch.records.size();
    taken.bytes += held(batch);
    taken.told = taken.told || below_low;
  }
  return taken;
}

// Adds until the inbox says that it is enough, a turn for each so many; then nothing may hold more than allowed.
template <typename Add>
void fill(const char* what, int in_a_turn, Add add) {
  Way way;
  Inbox& inbox = way.inbox;
  size_t added = 0;
  while (!inbox.is_full() && added < 1000000) {
    for (int i = 0; i < in_a_turn && !inbox.is_full(); ++i, ++added) add(inbox);
    inbox.publish();
  }
  const size_t counted = way.arrivals.pending_bytes();
  const Taken taken = take_all(way);
  CHECK_EQ(taken.records, added);
  if (!CHECK(taken.bytes <= counted) || !CHECK(taken.bytes <= kHigh + kSlack))
    std::printf("  %s, %d in a turn: %zu records in %zu batches hold %zu, counted as %zu\n", what,
                in_a_turn, taken.records, taken.batches, taken.bytes, counted);
}

Block block_of(size_t capacity, size_t size) {
  Block block = BlockPool::shared().take(capacity);
  block.set_size(size);
  return block;
}

TEST("however little comes at a time, and whatever it is, no more is held than the mark allows") {
  const std::string small(125, 'p');
  const std::string large(16 * 1024, 'h');
  const auto* bytes = reinterpret_cast<const uint8_t*>(large.data());
  for (const int in_a_turn : {1, 7, 3000}) {
    fill("a byte", in_a_turn, [&](Inbox& inbox) { inbox.add_bytes(1, Kind::kReceive, bytes, 1); });
    fill("nothing", in_a_turn, [&](Inbox& inbox) { inbox.add_bytes(1, Kind::kReceive, bytes, 0); });
    fill("texts and bytes", in_a_turn, [&, text = false](Inbox& inbox) mutable {
      inbox.add_bytes(1, (text = !text) ? Kind::kReceiveText : Kind::kReceive, bytes, 9);
    });
    fill("15 KiB", in_a_turn,
         [&](Inbox& inbox) { inbox.add_bytes(1, Kind::kReceiveText, bytes, 15 * 1024); });
    fill("pings", in_a_turn, [&](Inbox& inbox) { inbox.add_value(1, Kind::kReceivePing, small); });
    fill("empty pings", in_a_turn,
         [&](Inbox& inbox) { inbox.add_value(1, Kind::kReceivePing, std::string()); });
    fill("log lines", in_a_turn,
         [&](Inbox& inbox) { inbox.add_value(0, Kind::kLog, TextValue{small}, 1, true); });
    fill("ends", in_a_turn, [&](Inbox& inbox) {
      inbox.add_value(1, Kind::kClosed, ClosedValue{small, false, small}, 1006, true);
    });
    fill("failures", in_a_turn, [&](Inbox& inbox) {
      FailureValue value;
      value.response.headers = large;
      value.response.body = large;
      inbox.add_value(1, Kind::kConnectionError, std::move(value));
    });
    fill("connections", in_a_turn, [&](Inbox& inbox) {
      EstablishedValue value;
      value.response.headers = large;
      inbox.add_value(1, Kind::kEstablished, std::move(value));
    });
    fill("flushed", in_a_turn, [&](Inbox& inbox) { inbox.add(1, Kind::kFlushed, 1, 2); });
    fill("large messages in larger blocks", in_a_turn, [&](Inbox& inbox) {
      inbox.add_block(1, false, false, false, block_of(128 * 1024, 20 * 1024));
    });
  }
}

TEST("small turns share a batch when the consumer is behind") {
  Way way;
  Inbox& inbox = way.inbox;
  const uint8_t byte = 7;
  for (int i = 0; i < 5000; ++i) {
    inbox.add_bytes(1, Kind::kReceive, &byte, 1);
    inbox.publish();
  }
  const Taken taken = take_all(way);
  CHECK_EQ(taken.records, size_t{5000});
  CHECK(taken.batches <= 6);
}

// What was added, in order, as a consumer puts it together again.
struct Model {
  std::deque<std::string> expected;

  static std::string line(const Record& record, const std::string& bytes) {
    return std::to_string(static_cast<int>(record.kind)) + " " + std::to_string(record.connection) +
           " " + bytes;
  }

  void check(Batch& batch) {
    CHECK(batch.records.size() <= Batch::kMaxRecords);
    for (const Record& record : batch.records) {
      std::string bytes;
      switch (record.kind) {
        case Kind::kReceive:
        case Kind::kReceiveText: {
          const Block& slab = record.kind == Kind::kReceive ? batch.slab : batch.text;
          bytes.assign(reinterpret_cast<const char*>(slab.data()) + record.a,
                       static_cast<size_t>(record.b));
          break;
        }
        case Kind::kReceivePing:
          bytes = std::get<std::string>(batch.values[static_cast<size_t>(record.a)]);
          break;
        case Kind::kLog:
          bytes = std::get<TextValue>(batch.values[static_cast<size_t>(record.b)]).text;
          break;
        case Kind::kReceiveLarge: {
          const auto& block = std::get<Block>(batch.values[static_cast<size_t>(record.a)]);
          bytes.assign(reinterpret_cast<const char*>(block.data()), block.size());
          break;
        }
        default:
          bytes = std::to_string(record.a) + "," + std::to_string(record.b);
      }
      if (!CHECK(!expected.empty())) return;
      CHECK(expected.front() == line(record, bytes));
      expected.pop_front();
    }
  }
};

void add_random(Inbox& inbox, Model& model, test::Random& random) {
  const auto id = static_cast<int32_t>(random.below(5) + 1);
  const std::vector<uint8_t> bytes =
      random.bytes(random.below(4) ? random.below(40) : random.below(Batch::kLargeMessage));
  std::string text(bytes.begin(), bytes.end());
  Kind kind = Kind::kFlushed;
  switch (random.below(6)) {
    case 0:
      kind = Kind::kReceive;
      inbox.add_bytes(id, kind, bytes.data(), bytes.size());
      break;
    case 1:
      kind = Kind::kReceiveText;
      inbox.add_bytes(id, kind, bytes.data(), bytes.size());
      break;
    case 2:
      kind = Kind::kReceivePing;
      inbox.add_value(id, kind, text);
      break;
    case 3:
      kind = Kind::kLog;
      inbox.add_value(id, kind, TextValue{text}, 4, true);
      break;
    case 4: {
      kind = Kind::kReceiveLarge;
      Block block = block_of(bytes.size() + 1, bytes.size());
      if (!bytes.empty()) memcpy(block.data(), bytes.data(), bytes.size());
      inbox.add_block(id, false, false, false, std::move(block));
      break;
    }
    default:
      text = "3,4";
      inbox.add(id, kind, 3, 4);
  }
  model.expected.push_back(Model::line({id, kind, 0, 0}, text));
}

TEST("order and contents are the same however turns and visits alternate") {
  test::Random random(11);
  for (int round = 0; round < 20; ++round) {
    Way way;
    Inbox& inbox = way.inbox;
    Model model;
    Batch batch;
    bool below_low = false;
    for (int step = 0; step < 3000; ++step) {
      const size_t what = random.below(10);
      if (what < 6) add_random(inbox, model, random);
      if (what >= 6 && what < 9) inbox.publish();
      if (what == 9 && random.below(round % 4 + 1) == 0 && way.take(batch, &below_low))
        model.check(batch);
    }
    inbox.publish();
    while (way.take(batch, &below_low)) model.check(batch);
    CHECK(model.expected.empty());
    CHECK_EQ(way.arrivals.pending_bytes(), size_t{0});
  }
}

TEST("who stopped for what was not handed over yet is told when to go on") {
  Way way(100 * 1024, 10 * 1024);
  Inbox& inbox = way.inbox;
  Batch batch;
  bool below_low = false;
  inbox.add_block(1, false, false, false, block_of(64 * 1024, 64 * 1024));
  inbox.publish();
  CHECK(!inbox.is_full());
  inbox.add_block(1, false, false, false, block_of(64 * 1024, 64 * 1024));
  CHECK(inbox.is_full());  // the service stops reading
  CHECK(way.take(batch, &below_low));
  CHECK(inbox.is_full());
  inbox.publish();
  CHECK(way.take(batch, &below_low));
  CHECK(below_low);
  CHECK(inbox.has_drained());
  CHECK(!inbox.is_full());
}

TEST("reading stops above the high mark and goes on below the low one, not between") {
  Way way(100 * 1024, 40 * 1024);
  Inbox& inbox = way.inbox;
  Batch batch;
  bool below_low = false;
  const auto add = [&] {
    inbox.add_block(1, false, false, false, block_of(32 * 1024, 32 * 1024));
    inbox.publish();
  };
  add();
  add();
  add();
  CHECK(!inbox.is_full());
  add();
  CHECK(inbox.is_full());
  size_t takes = 0;
  while (!inbox.has_drained() && way.take(batch, &below_low)) {
    CHECK(inbox.is_full());
    ++takes;
    CHECK_EQ(below_low, way.arrivals.pending_bytes() <= 40 * 1024);
  }
  CHECK(way.arrivals.pending_bytes() <= 40 * 1024);
  CHECK(takes >= 2);
  CHECK(!inbox.is_full());
  while (way.take(batch, &below_low)) CHECK(!below_low);  // nobody waits for it
}

TEST("two threads: nobody sleeps for ever") {
  std::atomic<int> woken{0};
  constexpr size_t kMessages = 20000;
  Way way(80 * 1024, 8 * 1024);
  Inbox& inbox = way.inbox;
  std::thread service([&] {
    const std::string text(700, 'x');
    const auto* data = reinterpret_cast<const uint8_t*>(text.data());
    for (size_t sent = 0; sent < kMessages;) {
      const int before = woken.load();
      if (inbox.is_full() && !inbox.has_drained()) {
        // Sleeps until it is told, or gives up, which is what must not happen.
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (woken.load() == before) {
          if (std::chrono::steady_clock::now() > end) return;
          std::this_thread::yield();
        }
        continue;
      }
      while (!inbox.is_full() && sent < kMessages) {
        inbox.add_bytes(1, Kind::kReceive, data, 1 + sent++ % 700);
        if (sent % 5 == 0) inbox.publish();
      }
      inbox.publish();
    }
  });
  size_t taken = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (taken < kMessages && CHECK(std::chrono::steady_clock::now() < end)) {
    Batch batch;
    bool below_low = false;
    if (!way.arrivals.wait(100)) continue;
    while (way.take(batch, &below_low)) {
      taken += batch.records.size();
      if (below_low) ++woken;
    }
  }
  service.join();
  CHECK_EQ(taken, kMessages);
}

TEST(
    "several lanes that share the way: each one's order stays, also where it goes on filling what "
    "waits") {
  test::Random random(12);
  constexpr size_t kLanes = 3;
  for (int round = 0; round < 20; ++round) {
    Arrivals arrivals([] {}, kHigh, kLow);
    std::deque<Inbox> lanes;
    for (size_t i = 0; i < kLanes; ++i) lanes.emplace_back(arrivals, true);
    int32_t added[kLanes] = {};
    int32_t seen[kLanes] = {};
    Batch batch;
    const auto check = [&] {
      for (const Record& record : batch.records) {
        const auto lane = static_cast<size_t>(record.connection);
        CHECK_EQ(record.a, seen[lane]);
        seen[lane] = record.a + 1;
      }
    };
    for (int i = 0; i < 3000; ++i) {
      const size_t lane = random.below(kLanes);
      const size_t what = random.below(10);
      if (what < 6) {
        lanes[lane].add(static_cast<int32_t>(lane), Kind::kFlushed, added[lane]++);
      } else if (what < 9) {
        lanes[lane].publish();
      } else if (random.below(static_cast<size_t>(round) % 4 + 1) == 0 && arrivals.take(batch)) {
        check();
      }
    }
    for (Inbox& lane : lanes) lane.publish();
    while (arrivals.take(batch)) check();
    for (size_t i = 0; i < kLanes; ++i) CHECK_EQ(seen[i], added[i]);
    CHECK_EQ(arrivals.pending_bytes(), size_t{0});
  }
}

TEST("what one lane has added can stop another, which goes on when it is taken") {
  Arrivals arrivals([] {}, 100 * 1024, 40 * 1024);
  Inbox one(arrivals, true);
  Inbox two(arrivals, true);
  for (int i = 0; i < 4; ++i) {
    one.add_block(1, false, false, false, block_of(32 * 1024, 32 * 1024));
    one.publish();
  }
  CHECK(one.is_full());
  CHECK(two.is_full());
  CHECK(!two.has_drained());
  Batch batch;
  while (!two.may_go_on() && CHECK(arrivals.take(batch))) {
  }
  CHECK(one.may_go_on());
  CHECK(one.has_drained());
  CHECK(two.has_drained());
  CHECK(!two.is_full());
  CHECK(!two.may_go_on());
}

TEST("without batching, each event has no more memory than it needs") {
  Way way(kHigh, kLow, false);
  Inbox& inbox = way.inbox;
  const uint8_t byte = 1;
  for (int i = 0; i < 100; ++i) {
    inbox.add_bytes(1, Kind::kReceive, &byte, 1);
    inbox.add_bytes(1, Kind::kReceive, &byte, 0);
    inbox.publish();
  }
  CHECK(way.arrivals.pending_bytes() < 100 * 1024);
  const Taken taken = take_all(way);
  CHECK_EQ(taken.batches, size_t{200});
  CHECK(taken.bytes < 100 * 1024);
}

}  // namespace
}  // namespace vws

TEST_MAIN
