// The frame reader with permessage-deflate in force.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/ws/deflate.h"
#include "engine/ws/frame_reader.h"
#include "harness.h"
#include "ws_support.h"

using namespace vws::test;
using vws::DeflatePool;
using vws::Deflater;
using vws::FrameReader;
using vws::Inflater;
using vws::ReaderOptions;

namespace {

// The sender's side of one connection.
class Sender {
 public:
  explicit Sender(bool forget = false, int bits = 15) : deflater_(pool_, bits, forget, 6, 8) {}
  Bytes compress(const Bytes& in, bool last = true) {
    Deflater::Output out{};
    CHECK(deflater_.compress(in.data(), in.size(), last, &out));
    return Bytes(out.data, out.data + out.size);
  }
  Bytes message(uint8_t opcode, const Bytes& in, const uint8_t* key = nullptr) {
    return frame(static_cast<uint8_t>(0xc0 | opcode), compress(in), key);
  }

 private:
  DeflatePool pool_;
  Deflater deflater_;
};

// One after the other; unlike the operands of +, made in that order, on which compression depends.
Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

struct Setup {
  bool forget = false;
  int bits = 15;
  ReaderOptions options;
};

std::string play(const Setup& setup, const Bytes& in,
                 const std::vector<size_t>& pieces = {SIZE_MAX}, size_t pause_every = 0) {
  DeflatePool pool;
  Inflater inflater(pool, setup.bits, setup.forget);
  Recorder recorder;
  recorder.pause_every = pause_every;
  ReaderOptions options = setup.options;
  options.inflater = &inflater;
  FrameReader reader(recorder, options);
  return vws::test::play(reader, recorder, in, pieces, true);
}

void check_all_cuts(const Setup& setup, const Bytes& in, const std::string& want) {
  if (!CHECK_EQ(play(setup, in), want)) return;
  for (size_t cut = 1; cut < in.size() && cut < 1500; ++cut) {
    if (!CHECK_EQ(play(setup, in, {cut, SIZE_MAX}), want)) return;
  }
  for (const size_t piece : {1, 2, 3, 7, 100, 1000}) {
    CHECK_EQ(play(setup, in, {piece}), want);
    CHECK_EQ(play(setup, in, {piece}, 1), want);
  }
  CHECK_EQ(play(setup, in, {SIZE_MAX}, 1), want);
}

std::string logged(bool text, bool ascii, const Bytes& payload) {
  Recorder recorder;
  recorder.on_message(text, ascii, payload.data(), payload.size());
  return recorder.log;
}

constexpr const char* kCorrupt = "failed 1007 WS_ERR_INVALID_COMPRESSED_DATA\n";

}  // namespace

TEST("compressed and plain messages, mixed") {
  for (const bool forget : {false, true}) {
    Setup setup;
    setup.forget = forget;
    Sender sender(forget);
    const Bytes in =
        joined({sender.message(1, bytes("Hello")), text("plain"), sender.message(1, bytes("Hello")),
                sender.message(2, bytes("\xff\xfe")),
                sender.message(1, bytes("gr\xc3\xbc\xc3\x9f")), sender.message(2, {}),
                frame(0xc1, {}), text(""), sender.message(1, bytes("Hello Hello"))});
    check_all_cuts(
        setup, in,
        "ascii 5:Hello\nascii 5:plain\nascii 5:Hello\nbinary 2:\xff\xfe\n"
        "text 6:gr\xc3\xbc\xc3\x9f\nbinary 0:\nascii 0:\nascii 0:\nascii 11:Hello Hello\n");
  }
}

TEST("a compressed message in fragments, however they cut it") {
  Setup setup;
  Sender sender;
  const Bytes wire = sender.compress(bytes("Hello, compressed \xf0\x9f\x98\x80 world"));
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    const auto middle = wire.begin() + static_cast<long>(cut);
    const Bytes in = frame(0x41, Bytes(wire.begin(), middle)) + frame(0x89, bytes("p")) +
                     frame(0x00, {}) + frame(0x80, Bytes(middle, wire.end())) + text("x");
    check_all_cuts(setup, in,
                   "ping 1:p\ntext 28:Hello, compressed \xf0\x9f\x98\x80 world\nascii 1:x\n");
  }
  // Fragments that end with a flush each, as a sender makes them that does not know the next one.
  const Bytes in = joined(
      {frame(0x42, sender.compress(bytes("one "), false)), frame(0x00, sender.compress({}, false)),
       frame(0x00, sender.compress(bytes("two "), false)), frame(0x80, sender.compress({}))});
  check_all_cuts(setup, in, "binary 8:one two \n");
}

TEST("RSV1 belongs on the first frame of a message, and on nothing else") {
  Sender sender;
  Setup setup;
  const std::string want = "failed 1002 WS_ERR_UNEXPECTED_RSV_1\n";
  check_all_cuts(setup, frame(0x41, sender.compress(bytes("x"), false)) + frame(0xc0, {0}), want);
  check_all_cuts(setup, frame(0x01, bytes("x")) + frame(0xc0, {0}), want);
  for (const uint8_t opcode : {8, 9, 10}) check_all_cuts(setup, frame(0xc0 | opcode, {}), want);
  check_all_cuts(setup, frame(0xc3, {}), want);
  check_all_cuts(setup, frame(0xe1, {}), "failed 1002 WS_ERR_UNEXPECTED_RSV_2_3\n");
}

TEST("invalid text is found in what is inflated, before the message ends") {
  Setup setup;
  Sender sender;
  const std::string want = "failed 1007 WS_ERR_INVALID_UTF8\n";
  check_all_cuts(setup, sender.message(1, bytes("abc\xff")), want);
  check_all_cuts(setup, sender.message(1, bytes("cut \xe2\x82")), want);
  check_all_cuts(setup, frame(0x41, sender.compress(bytes("ok \xed\xa0"), false)), want);
  Setup unchecked;
  unchecked.options.check_utf8 = false;
  Sender other;
  check_all_cuts(unchecked,
                 joined({other.message(1, bytes("abc\xff")), other.message(1, bytes("a"))}),
                 "text 4:abc\xff\nascii 1:a\n");
  // The first of two errors counts, whether or not it comes in the same piece.
  Setup limited;
  limited.options.max_message = 1000;
  Sender third;
  check_all_cuts(limited, third.message(1, bytes("abc\xff" + std::string(100000, 'a'))), want);
  Sender fourth;
  Bytes broken = fourth.message(1, bytes("abc\xff" + std::string(300, 'a')));
  check_all_cuts(limited, broken + Bytes{0xff, 0xff}, want);
}

TEST("corrupt and cut data") {
  Setup setup;
  check_all_cuts(setup, text("a") + frame(0xc2, bytes("\xff\xff\xff")) + text("b"),
                 "ascii 1:a\n" + std::string(kCorrupt));
  Sender sender;
  const Bytes wire = sender.compress(bytes("some text to be cut, some text to be cut"));
  for (size_t n = 1; n < wire.size(); ++n) {
    CHECK_EQ(play(setup, frame(0xc1, Bytes(wire.begin(), wire.begin() + static_cast<long>(n)))),
             kCorrupt);
  }
}

TEST("limits on the inflated size, exact, and on bombs") {
  Random random;
  for (const size_t size : {size_t{10}, size_t{1000}, size_t{100000}}) {
    const Bytes payload = random.bytes(size);  // longer compressed than not
    Setup setup;
    setup.options.max_message = size;
    Sender sender(true);
    const Bytes in = sender.message(2, payload);
    for (const size_t piece : {size_t{1}, size_t{1000}, SIZE_MAX}) {
      CHECK_EQ(play(setup, in, {piece}), logged(false, false, payload));
      setup.options.max_message = size - 1;
      CHECK_EQ(play(setup, in, {piece}), "failed 1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH\n");
      setup.options.max_message = size;
    }
  }
  Setup setup;
  setup.options.max_message = 1 << 20;
  Sender sender;
  check_all_cuts(setup, sender.message(2, Bytes(1 << 20, 'a')),
                 logged(false, false, Bytes(1 << 20, 'a')));
  Sender other;
  check_all_cuts(setup, other.message(2, Bytes(3 << 20, 'a')),
                 "failed 1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH\n");
}

TEST("compressed data that inflate to nothing are bounded") {
  const Bytes nothing = {0x00, 0x00, 0x00, 0xff, 0xff};  // an empty block
  const auto repeat = [](size_t times, const Bytes& one) {
    Bytes all;
    for (size_t i = 0; i < times; ++i) all.insert(all.end(), one.begin(), one.end());
    return all;
  };
  // In fragments: they count as empty ones.
  Sender sender;
  const Bytes last = frame(0x80, sender.compress(bytes("end")));
  const Bytes fragment = frame(0x00, nothing);
  CHECK_EQ(play(Setup(), frame(0x41, nothing) + repeat(16383, fragment) + last), "ascii 3:end\n");
  CHECK_EQ(play(Setup(), frame(0x41, nothing) + repeat(16384, fragment)),
           "failed 1008 WS_ERR_TOO_MANY_BUFFERED_PARTS\n");
  // In a frame: by its header.
  Setup limited;
  limited.options.max_message = 1000;
  const size_t most = 8 * 1000 + 64 * 1024;
  CHECK_EQ(play(limited, frame(0xc1, repeat(most / 5, nothing) + Bytes{0x00})), "ascii 0:\n");
  CHECK_EQ(play(limited, frame(0x41, repeat(most / 5, nothing)) + frame(0x00, nothing)),
           "failed 1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH\n");
  // A sender that flushes after every byte needs several for each.
  Bytes flushed;
  for (int i = 0; i < 1000; ++i) {
    const Bytes piece = sender.compress(bytes("x"), false);
    flushed.insert(flushed.end(), piece.begin(), piece.end());
  }
  CHECK(flushed.size() < most);
}

TEST("what is inflated at once is bounded, and the reader may stop in between") {
  Sender sender;
  const Bytes payload(20 << 20, 'a');
  Bytes in = sender.message(2, payload);
  CHECK(in.size() < 64 * 1024);
  DeflatePool pool;
  Inflater inflater(pool, 15, false);
  ReaderOptions options;
  options.inflater = &inflater;
  Recorder recorder;
  recorder.pause_every = 1;
  FrameReader reader(recorder, options);
  size_t at = 0;
  size_t stops = 0;
  while (at < in.size()) {
    at += reader.feed(in.data() + at, in.size() - at);
    if (++stops == 5) {
      CHECK(recorder.inflated > 0 && recorder.inflated < 600 * 1024);
      recorder.inflated = 0;
    }
  }
  CHECK(!reader.failed());
  CHECK_EQ(recorder.log, logged(false, false, payload));
  // What comes out of the first pieces makes the later ones small.
  CHECK(recorder.inflated > 0 && recorder.inflated < 160 * 1024);
  CHECK(stops > 10);
}

TEST("large messages come as blocks, whatever the window") {
  Random random;
  for (int bits = 8; bits <= 15; ++bits) {
    Setup setup;
    setup.bits = bits;
    Sender sender(false, bits);
    Bytes in;
    std::string want;
    for (const size_t n :
         {size_t{16}, size_t{65536}, size_t{65537}, size_t{131072}, size_t{1000000}}) {
      Bytes payload(n);
      for (uint8_t& byte : payload) byte = static_cast<uint8_t>('a' + random.below(4));
      in = std::move(in) + sender.message(1, payload);
      want += logged(true, true, payload);
    }
    for (const size_t piece : {size_t{1000}, size_t{64000}, SIZE_MAX})
      CHECK_EQ(play(setup, in, {piece}), want);
  }
}

TEST("masked, in the server's role") {
  const uint8_t key[4] = {1, 20, 250, 7};
  Setup setup;
  setup.options.expect_masked = true;
  Sender sender;
  Random random;
  const Bytes noise = random.bytes(20000);
  const Bytes in =
      joined({sender.message(1, bytes("Hello"), key), sender.message(2, noise, key),
              sender.message(2, {}, key), frame(0xc2, {}, key), frame(0x82, noise, key)});
  const std::string want = "ascii 5:Hello\n" + logged(false, false, noise) +
                           "binary 0:\nbinary 0:\n" + logged(false, false, noise);
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{5000}, SIZE_MAX})
    CHECK_EQ(play(setup, in, {piece}), want);
}

TEST("several connections of one pool, their messages interleaved piece by piece") {
  Random random;
  DeflatePool pool;
  struct End {
    Recorder recorder;
    std::unique_ptr<Inflater> inflater;
    std::unique_ptr<FrameReader> reader;
    Bytes in;
    size_t at = 0;
    std::string want;
  };
  std::vector<End> ends(8);
  for (size_t i = 0; i < ends.size(); ++i) {
    End& end = ends[i];
    const bool forget = i % 2 == 1;
    end.inflater = std::make_unique<Inflater>(pool, 15, forget);
    ReaderOptions options;
    options.inflater = end.inflater.get();
    end.reader = std::make_unique<FrameReader>(end.recorder, options);
    Sender sender(forget);
    for (int k = 0; k < 40; ++k) {
      Bytes payload = random.bytes(random.below(3000));
      for (uint8_t& byte : payload) byte = 'a' + byte % 8;
      end.in = std::move(end.in) + sender.message(2, payload);
      end.want += logged(false, false, payload);
    }
  }
  for (bool more = true; more;) {
    more = false;
    for (End& end : ends) {
      const size_t n = std::min(end.in.size() - end.at, random.below(2500));
      feed_piece(*end.reader, end.in.data() + end.at, n);
      end.at += n;
      more = more || end.at < end.in.size();
    }
  }
  for (End& end : ends) CHECK_EQ(end.recorder.log + ending(*end.reader), end.want);
}

TEST("counters of compression") {
  DeflatePool pool;
  Inflater inflater(pool, 15, false);
  Recorder recorder;
  ReaderOptions options;
  options.inflater = &inflater;
  FrameReader reader(recorder, options);
  Sender sender;
  const Bytes wire = sender.compress(Bytes(5000, 'a'));
  const Bytes in = frame(0xc1, wire) + text("plain");
  vws::test::play(reader, recorder, in, {10});
  CHECK_EQ(reader.stats().deflated_bytes, uint64_t{wire.size()});
  CHECK_EQ(reader.stats().inflated_bytes, uint64_t{5000});
  CHECK_EQ(reader.stats().payload_bytes, uint64_t{5005});
  CHECK_EQ(reader.stats().messages, uint64_t{2});
}

TEST_MAIN
