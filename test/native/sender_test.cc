// The producer's end of a connection's queue: what it holds is bounded, whatever it is.

#include "engine/sender.h"

#include <algorithm>
#include <memory>
#include <string>

#include "engine/publication.h"
#include "harness.h"

namespace vws::test {

namespace {

struct Fixture {
  ChunkPool pool;
  ChunkCache cache{pool};
  MaskKeySource keys;
  std::shared_ptr<Progress> progress = std::make_shared<Progress>();

  Sender sender(uint64_t limit, uint64_t high_water, bool frames_here) {
    Sender made(cache, keys, progress, {limit, high_water});
    made.established(frames_here);
    return made;
  }
};

// How many messages of that size are taken before one is refused. *held: bytes of memory that they take then.
size_t fill(Sender& sender, size_t size, size_t* held, size_t* until_full) {
  const std::string data(size, 'x');
  SendOptions options;
  *until_full = 0;
  for (size_t n = 0;; ++n) {
    const SendResult result =
        sender.send(reinterpret_cast<const uint8_t*>(data.data()), size, options);
    if (result == SendResult::kFull && *until_full == 0) *until_full = n;
    if (result != SendResult::kOk && result != SendResult::kFull) {
      CHECK_EQ(result, SendResult::kLimit);
      const std::unique_ptr<Outbound> outbound = sender.take();
      *held = outbound ? outbound->raw.memory() + outbound->framed.memory() : 0;
      return n;
    }
    if (n > 10000000) return n;
  }
}

constexpr uint64_t kLimit = 1024 * 1024;

// So many messages of that size hold no more than the limit.
size_t most(uint64_t limit, size_t size) {
  for (uint64_t n = 0;; ++n) {
    const uint64_t cost = (n + 1) * Sender::kFrameCost;
    const uint64_t beside = cost > Sender::kFreeCost ? cost - Sender::kFreeCost : 0;
    if ((n + 1) * size + beside > limit) return n;
  }
}

}  // namespace

// A message framed before, of so many bytes.
std::shared_ptr<Publication> prepared(size_t size) {
  SharedFrameSlot slot(nullptr);
  uint8_t* const to = slot.open(3 * size, size);
  std::fill(to, to + size, 'x');
  return std::make_shared<Publication>(slot.close({kText, true, false}, size), size, kText, true);
}

TEST("a message framed before is shared, and counts as one that is sent") {
  for (const bool frames_here : {true, false}) {
    Fixture one;
    const auto message = prepared(100000);
    CHECK(message->plain().held() < 150000);
    Sender sender(one.cache, one.keys, one.progress, {1000000, 500000}, false);
    sender.established(frames_here);
    size_t sent = 0;
    SendResult result = SendResult::kOk;
    while ((result = sender.send(message)) >= SendResult::kOk) {
      CHECK_EQ(result, ++sent <= 5 ? SendResult::kOk : SendResult::kFull);
    }
    CHECK_EQ(result, SendResult::kLimit);
    CHECK_EQ(sent, 10u);
    CHECK_EQ(sender.buffered(), 1000000u);
    const auto outbound = sender.take();
    struct iovec pieces[16];
    const size_t count = outbound->framed.fill_iovec(pieces, 16);
    CHECK_EQ(count, frames_here ? sent : 0);
    for (size_t i = 0; i < count; ++i) CHECK(pieces[i].iov_base == message->plain().data());
    CHECK_EQ(outbound->prepared.size(), frames_here ? 0 : sent);
    sender.shut();
    CHECK_EQ(sender.send(message), SendResult::kClosed);
  }
}

TEST("where frames are masked, a message framed before is copied") {
  Fixture one;
  const auto message = prepared(1000);
  Sender sender = one.sender(1000000, 500000, true);
  CHECK_EQ(sender.send(message), SendResult::kOk);
  const auto outbound = sender.take();
  CHECK_EQ(outbound->framed.size(), message->plain().size() + 4);
}

TEST("messages of any size, empty ones among them, stop at the limit") {
  for (const bool frames_here : {true, false}) {
    for (const size_t size : {0, 1, 2, 100, 1000, 10000}) {
      Fixture fixture;
      Sender sender = fixture.sender(kLimit, kLimit / 2, frames_here);
      size_t held = 0;
      size_t until_full = 0;
      const size_t count = fill(sender, size, &held, &until_full);
      CHECK(held <= kLimit + Sender::kFreeCost + kLargeChunk);
      // Whether one more goes is decided by its payload, and what is held before it.
      const size_t at = most(kLimit, size);
      CHECK(count == at || count == at + 1);
      CHECK_EQ(until_full, most(kLimit / 2, size));
      // What users are told is payload.
      CHECK_EQ(sender.buffered(), uint64_t{count * size});
      CHECK_EQ(sender.queued(), uint64_t{count * size});
    }
  }
}

TEST("control frames count as well, and what is written counts no more") {
  Fixture fixture;
  Sender sender = fixture.sender(kLimit, kLimit / 2, true);
  SendOptions ping;
  ping.opcode = kPing;
  size_t sent = 0;
  while (sent < 1000000 && sender.send(nullptr, 0, ping) != SendResult::kLimit) ++sent;
  CHECK_EQ(sent, (kLimit + Sender::kFreeCost) / Sender::kFrameCost + 1);
  CHECK_EQ(fixture.progress->drained_at.load(), uint64_t{sent});
  fixture.progress->frames_written.store(sent);
  CHECK_EQ(sender.held(), uint64_t{0});
  CHECK_EQ(sender.send(nullptr, 0, ping), SendResult::kOk);
}

TEST("a message that is written in place has the same limit") {
  Fixture fixture;
  Sender sender = fixture.sender(1000, 500, true);
  SendResult refused = SendResult::kOk;
  CHECK(sender.begin(3000, 1001, SendOptions(), &refused) == nullptr);
  CHECK_EQ(refused, SendResult::kLimit);
  CHECK(sender.begin(3000, 1000 - 1, SendOptions(), &refused) != nullptr);
  CHECK_EQ(sender.end(501), SendResult::kFull);
  CHECK(sender.begin(3000, 499, SendOptions(), &refused) != nullptr);
  CHECK_EQ(sender.end(499), SendResult::kFull);
  CHECK(sender.begin(1, 1, SendOptions(), &refused) == nullptr);
}

}  // namespace vws::test

TEST_MAIN
