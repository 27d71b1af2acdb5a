// The queue of frames on their way out: order, boundaries, and what counts as written.

#include "engine/ws/wire_queue.h"
#include "engine/publication.h"

#include <algorithm>
#include <string>
#include <vector>

#include "harness.h"
#include "ws_support.h"

using namespace vws::test;
using vws::ChunkCache;
using vws::ChunkPool;
using vws::ChunkQueue;
using vws::MaskKey;
using vws::WireQueue;

namespace {

const MaskKey kKey = {1, 2, 3, 4};

struct Fixture {
  ChunkPool pool;
  ChunkCache cache{pool};
  WireQueue wire{cache};

  bool send(const Bytes& payload, uint8_t opcode = vws::kBinary, bool fin = true) {
    return wire.append({opcode, fin, false}, payload.data(), payload.size(), &kKey, payload.size());
  }
  uint64_t ping(const std::string& words) {
    return wire.insert(vws::kPing, reinterpret_cast<const uint8_t*>(words.data()), words.size(),
                       &kKey);
  }
  // What is on its way, up to n bytes, as the socket would see it.
  Bytes look(size_t n = SIZE_MAX) const {
    Bytes out;
    std::vector<iovec> entries(1000);
    const size_t count = wire.fill_iovec(entries.data(), entries.size());
    for (size_t i = 0; i < count && out.size() < n; ++i) {
      const auto* data = static_cast<const uint8_t*>(entries[i].iov_base);
      out.insert(out.end(), data, data + std::min(entries[i].iov_len, n - out.size()));
    }
    return out;
  }
  Bytes take(size_t n, size_t sealed = 0) {
    Bytes out = look(n);
    wire.consume(out.size(), sealed);
    return out;
  }
};

// "b5 p3 ..." of whole frames: opcode and payload size.
std::string outline(const Bytes& stream) {
  std::string out;
  for (size_t at = 0; at + 2 <= stream.size();) {
    size_t size = stream[at + 1] & 0x7f;
    size_t header = 2;
    if (size == 126) {
      size = static_cast<size_t>(stream[at + 2]) << 8 | stream[at + 3];
      header = 4;
    } else if (size == 127) {
      size = 0;
      for (size_t i = 0; i < 8; ++i) size = size << 8 | stream[at + 2 + i];
      header = 10;
    }
    if (!out.empty()) out += ' ';
    out += "ctb.....xpo"[stream[at] & 0x0f] + std::to_string(size);
    at += header + ((stream[at + 1] & 0x80) != 0 ? 4 : 0) + size;
  }
  return out;
}

Bytes ping_frame(const std::string& words) { return frame(0x89, bytes(words), kKey.data()); }

}  // namespace

TEST("a control frame goes before everything whose writing has not begun") {
  Fixture f;
  f.send(Bytes(10));
  f.send(Bytes(20));
  CHECK(f.ping("one") != 0);
  CHECK_EQ(outline(f.look()), "p3 b10 b20");
}

TEST("it does not tear the frame that is being written, and keeps its own order") {
  Fixture f;
  f.send(Bytes(200000));
  f.send(Bytes(20));
  const Bytes begun = f.take(7);
  f.ping("one");
  f.ping("three");
  CHECK_EQ(outline(begun + f.look()), "b200000 p3 p5 b20");
  const Bytes more = begun + f.take(200000 - 7 + 8 + 6 + 5);  // into the second ping
  f.ping("xx");
  CHECK_EQ(outline(more + f.look()), "b200000 p3 p5 p2 b20");
}

TEST("it goes between the frames of a burst, and between the fragments of a message") {
  Fixture f;
  ChunkQueue burst(f.cache);
  const Bytes payload(300);
  vws::append_frame(burst, {vws::kText, false, false}, payload.data(), 100, &kKey);
  vws::append_frame(burst, {vws::kContinuation, false, false}, payload.data(), 200, &kKey);
  vws::append_frame(burst, {vws::kContinuation, true, false}, payload.data(), 300, &kKey);
  f.wire.append(burst, 600, 3);
  const Bytes begun = f.take(120);  // into the second
  f.ping("one");
  CHECK_EQ(outline(begun + f.look()), "t100 c200 p3 c300");
  CHECK_EQ(f.wire.frames_queued(), uint64_t{3});
  CHECK_EQ(f.wire.frames_written(), uint64_t{0});  // a burst counts as a whole
  f.take(10000);
  CHECK_EQ(f.wire.frames_written(), uint64_t{3});
}

TEST("what TLS has sealed stays as it is") {
  Fixture f;
  for (const size_t n : {10, 20, 30, 40}) f.send(Bytes(n));
  const Bytes begun =
      f.take(5, 16 + 26);  // the rest of the first, the second, and a bit of the third
  const Bytes sealed = f.look(42);
  f.ping("one");
  CHECK(f.look(42) == sealed);
  CHECK_EQ(outline(begun + f.look()), "b10 b20 b30 p3 b40");
  // The socket has taken nothing, and the next record is sealed too.
  f.take(0, 42 + 30);
  const Bytes more = f.look(72);
  f.ping("xx");
  CHECK(f.look(72) == more);
  CHECK_EQ(outline(begun + f.look()), "b10 b20 b30 p3 p2 b40");
}

TEST("the Close frame is the last") {
  Fixture f;
  f.send(Bytes(10));
  f.wire.append_close(1000, nullptr, 0, &kKey);
  CHECK(f.ping("one") != 0);
  Bytes out = f.take(9 + 3);  // into the message
  CHECK(f.ping("two") != 0);
  CHECK_EQ(outline(out + f.look()), "p3 b10 p3 x2");
  out = out + f.take(4 + 9 + 10);  // into the Close frame
  CHECK_EQ(f.ping("three"), uint64_t{0});
  CHECK_EQ(outline(out + f.look()), "p3 b10 p3 x2");
  f.take(100);
  CHECK(f.wire.empty());
  CHECK_EQ(f.ping("four"), uint64_t{0});
}

TEST("payload is written when its frame is, whatever was put before it") {
  Fixture f;
  f.send(Bytes(100));
  f.send(Bytes(50));
  f.take(10);
  const uint64_t end = f.ping("one");
  CHECK_EQ(end, uint64_t{106 + 9});
  CHECK_EQ(f.wire.inserted_waiting(), uint64_t{9});
  CHECK(!f.wire.consume(95, 0));
  CHECK_EQ(f.wire.payload_written(), uint64_t{0});
  CHECK(f.wire.consume(1, 0));
  CHECK_EQ(f.wire.payload_written(), uint64_t{100});
  // The ping counts for nothing, whole or in part.
  CHECK(!f.wire.consume(8, 0));
  CHECK_EQ(f.wire.inserted_waiting(), uint64_t{1});
  CHECK(!f.wire.consume(1, 0));
  CHECK_EQ(f.wire.inserted_waiting(), uint64_t{0});
  CHECK(!f.wire.consume(55, 0));
  CHECK(f.wire.consume(1, 0));
  CHECK_EQ(f.wire.payload_written(), f.wire.payload_queued());
}

// Against a list of frames, in which everything is plain to see.
TEST("any order of appending, inserting and writing") {
  Random random;
  for (int round = 0; round < 200; ++round) {
    Fixture f;
    struct Entry {
      Bytes bytes;
      uint64_t payload;  // that counts as written with it; 0: none
      bool control;
    };
    std::vector<Entry> model;   // from the beginning
    Bytes stream;               // written
    uint64_t fixed = 0;         // as far as nothing may change
    uint64_t payload_done = 0;  // as far as the model says
    uint64_t payload = 0;
    uint64_t published = 0;
    vws::SharedSlab slab;
    const size_t largest = size_t{1} << (3 + random.below(13));
    for (int step = 0; step < 120; ++step) {
      const size_t what = random.below(12);
      if (what >= 10) {  // publications, which count for themselves
        for (size_t i = random.below(4); i > 0; --i) {
          const Bytes data(random.below(random.below(2) ? 200 : largest), static_cast<uint8_t>(i));
          vws::SharedFrameSlot slot(&slab);
          uint8_t* const to = slot.open(data.size(), data.size());
          if (!CHECK(to != nullptr)) return;
          std::copy(data.begin(), data.end(), to);
          CHECK(f.wire.append_published(slot.close({vws::kBinary, true, false}, data.size()),
                                        data.size()));
          published += data.size();
          model.push_back({frame(0x82, data), 0, false});
        }
      } else if (what < 3) {  // a frame
        const Bytes data(random.below(largest), static_cast<uint8_t>(step));
        f.send(data);
        payload += data.size();
        model.push_back({frame(0x82, data, kKey.data()), payload, false});
      } else if (what < 5) {  // a burst
        ChunkQueue burst(f.cache);
        uint64_t size = 0;
        const size_t frames = 1 + random.below(20);
        for (size_t i = 0; i < frames; ++i) {
          const Bytes data(random.below(largest / 8 + 1), static_cast<uint8_t>(i));
          vws::append_frame(burst, {vws::kText, true, false}, data.data(), data.size(), &kKey);
          size += data.size();
          model.push_back({frame(0x81, data, kKey.data()), 0, false});
        }
        payload += size;
        model.back().payload = payload;
        f.wire.append(burst, size, frames);
      } else if (what < 7) {  // a ping
        const std::string words(random.below(126), 'p');
        size_t place = 0;
        for (uint64_t at = 0; place < model.size() && at < fixed; ++place) {
          at += model[place].bytes.size();
        }
        for (size_t i = place; i < model.size(); ++i) {
          if (model[i].control) place = i + 1;
        }
        model.insert(model.begin() + static_cast<long>(place), {ping_frame(words), 0, true});
        CHECK(f.ping(words) != 0);
      } else {  // the socket takes some
        uint64_t all = 0;
        for (const Entry& entry : model) all += entry.bytes.size();
        all -= stream.size();
        const size_t n = random.below(3) == 0 ? all : random.below(all + 1);
        const size_t sealed = random.below(3) == 0 ? random.below(all - n + 1) : 0;
        const Bytes gone = f.take(n, sealed);
        CHECK_EQ(gone.size(), n);
        stream.insert(stream.end(), gone.begin(), gone.end());
        fixed = std::max<uint64_t>(fixed, stream.size() + sealed);
        uint64_t at = 0;
        for (const Entry& entry : model) {
          at += entry.bytes.size();
          if (at > stream.size()) break;
          if (entry.payload != 0) payload_done = entry.payload;
        }
        if (!CHECK_EQ(f.wire.payload_written(), payload_done)) return;
      }
    }
    const Bytes rest = f.take(SIZE_MAX);
    stream.insert(stream.end(), rest.begin(), rest.end());
    Bytes expected;
    for (const Entry& entry : model) {
      expected.insert(expected.end(), entry.bytes.begin(), entry.bytes.end());
    }
    if (!CHECK_EQ(outline(stream), outline(expected)) || !CHECK(stream == expected)) return;
    CHECK_EQ(f.wire.payload_written(), f.wire.payload_queued());
    CHECK_EQ(f.wire.published_written(), published);
    CHECK_EQ(f.wire.publications_waiting(), uint64_t{0});
  }
}

TEST_MAIN
