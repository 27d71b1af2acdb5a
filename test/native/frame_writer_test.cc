#include "engine/ws/frame_writer.h"

#include <string>
#include <vector>

#include "harness.h"
#include "ws_support.h"

using namespace vws::test;
using vws::ChunkCache;
using vws::ChunkPool;
using vws::ChunkQueue;
using vws::FrameSlot;
using vws::MaskKey;

namespace {

const MaskKey kKey = {0xde, 0xad, 0xbe, 0xef};
const size_t kSizes[] = {0,    1,    2,    124,   125,   126,   127,   200,    4000,   4095,
                         4096, 4097, 5000, 65000, 65535, 65536, 65537, 131072, 300000, 2000000};

struct Fixture {
  ChunkPool pool;
  ChunkCache cache{pool};
  ChunkQueue queue{cache};

  Bytes drain() {
    Bytes out;
    size_t n = 0;
    while (const uint8_t* at = queue.front(&n)) {
      out.insert(out.end(), at, at + n);
      queue.consume(n);
    }
    return out;
  }
};

}  // namespace

TEST("headers at every boundary of the length, with and without mask") {
  for (const size_t n : kSizes) {
    for (const bool masked : {false, true}) {
      for (const uint8_t first : {0x81, 0x02, 0x00, 0x80, 0xc1, 0x42, 0x88, 0x89, 0x8a}) {
        uint8_t out[vws::kMaxFrameHeader];
        const size_t size = vws::frame_header(out, first & 0x0f, (first & 0x80) != 0,
                                              (first & 0x40) != 0, n, masked ? &kKey : nullptr);
        const Bytes want = frame(first, Bytes(n), masked ? kKey.data() : nullptr);
        CHECK_EQ(size, want.size() - n);
        CHECK_EQ(size, vws::frame_header_size(n, masked));
        CHECK(std::equal(out, out + size, want.begin()));
      }
    }
  }
  uint8_t out[14];
  CHECK_EQ(vws::frame_header(out, 2, true, false, uint64_t{1} << 40, nullptr), size_t{10});
  const Bytes want = {0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0};
  CHECK(std::equal(want.begin(), want.end(), out));
}

TEST("frames of every size, alone and one after the other") {
  Random random;
  Fixture all;
  Bytes want_all;
  for (const size_t n : kSizes) {
    for (const bool masked : {false, true}) {
      const Bytes payload = random.bytes(n);
      const MaskKey* key = masked ? &kKey : nullptr;
      const Bytes want = frame(0x82, payload, masked ? kKey.data() : nullptr);
      Fixture f;
      CHECK(vws::append_frame(f.queue, {vws::kBinary, true, false}, payload.data(), n, key));
      CHECK(f.drain() == want);
      CHECK(vws::append_frame(all.queue, {vws::kBinary, true, false}, payload.data(), n, key));
      want_all = std::move(want_all) + want;
    }
  }
  CHECK(all.drain() == want_all);
}

TEST("frames written in place, guessed well and badly") {
  Random random;
  for (const size_t n : kSizes) {
    for (const size_t likely : {size_t{0}, n, n + 70000}) {
      for (const bool masked : {false, true}) {
        const Bytes payload = random.bytes(n);
        Fixture f;
        f.queue.append("before", 6);
        FrameSlot slot;
        if (!CHECK(slot.open(f.queue, n * 3, likely, masked))) return;
        std::copy(payload.begin(), payload.end(), slot.payload());
        slot.close({vws::kText, false, true}, n, masked ? &kKey : nullptr);
        f.queue.append("behind", 6);
        CHECK(f.drain() == bytes("before") + frame(0x41, payload, masked ? kKey.data() : nullptr) +
                               bytes("behind"));
      }
    }
  }
}

TEST("Close frames") {
  Fixture f;
  const uint8_t* reason = reinterpret_cast<const uint8_t*>("bye");
  vws::append_close(f.queue, 1000, reason, 3, nullptr);
  CHECK(f.drain() == close_frame(1000, "bye"));
  vws::append_close(f.queue, 4321, nullptr, 0, nullptr);
  CHECK(f.drain() == close_frame(4321, ""));
  vws::append_close(f.queue, 0, reason, 3, nullptr);
  CHECK(f.drain() == frame(0x88, {}));
  vws::append_close(f.queue, 1001, reason, 3, &kKey);
  CHECK(f.drain() == frame(0x88,
                           bytes("\x03\xe9"
                                 "bye"),
                           kKey.data()));
  const std::string most(123, 'r');
  vws::append_close(f.queue, 1001, reinterpret_cast<const uint8_t*>(most.data()), 123, nullptr);
  CHECK(f.drain() == close_frame(1001, most));
}

TEST("what the writer writes, the reader of the other side reads") {
  Random random;
  Fixture f;
  Recorder want;
  for (int i = 0; i < 3000; ++i) {
    const Bytes payload = random.bytes(random.below(size_t{1} << random.below(15)));
    const Bytes random_key = random.bytes(4);
    const MaskKey key = {random_key[0], random_key[1], random_key[2], random_key[3]};
    vws::append_frame(f.queue, {vws::kBinary, true, false}, payload.data(), payload.size(), &key);
    want.on_message(false, false, payload.data(), payload.size());
  }
  vws::ReaderOptions server;
  server.expect_masked = true;
  CHECK_EQ(play(server, f.drain(), {5000}), want.log);
}

TEST_MAIN
