#include "engine/ws/frame_reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/ws/tuning.h"
#include "harness.h"
#include "ws_support.h"

using namespace vws::test;
using vws::FrameReader;
using vws::ReaderOptions;

namespace {

const uint8_t kKey[4] = {0xa1, 0x02, 0x93, 0x34};

// The same log however in is cut in two, byte by byte, in equal pieces and at random; with pauses
// too.
void check_all_cuts(const ReaderOptions& options, const Bytes& in, const std::string& want) {
  if (!CHECK_EQ(play(options, in), want)) return;
  for (size_t cut = 1; cut < in.size() && cut < 2000; ++cut) {
    if (!CHECK_EQ(play(options, in, {cut, SIZE_MAX}), want)) return;
  }
  for (const size_t piece : {1, 2, 3, 5, 7, 64, 1000, 4096}) {
    CHECK_EQ(play(options, in, {piece}), want);
    CHECK_EQ(play(options, in, {piece}, true), want);
  }
  Random random;
  for (int round = 0; round < 50; ++round) {
    std::vector<size_t> pieces;
    for (int i = 0; i < 40; ++i) pieces.push_back(1 + random.below(1 + in.size() / 5));
    CHECK_EQ(play(options, in, pieces, round % 2 == 0), want);
  }
  for (size_t every = 1; every < 4; ++every) {
    for (const size_t piece : {size_t{1}, size_t{9}, SIZE_MAX}) {
      Recorder recorder;
      recorder.pause_every = every;
      FrameReader reader(recorder, options);
      CHECK_EQ(play(reader, recorder, in, {piece}), want);
    }
  }
}

void check_all_cuts(const Bytes& in, const std::string& want) {
  check_all_cuts(ReaderOptions(), in, want);
}

// Messages before the failure are delivered, what follows is not.
void check_failure(const ReaderOptions& options, const Bytes& bad, const std::string& want) {
  check_all_cuts(options, text("before") + bad + text("behind"),
                 "ascii 6:before\nfailed " + want + "\n");
}
void check_failure(const Bytes& bad, const std::string& want) {
  check_failure(ReaderOptions(), bad, want);
}

constexpr const char* kUtf8Error = "1007 WS_ERR_INVALID_UTF8";

}  // namespace

TEST("messages of both kinds, small and empty, one after the other") {
  check_all_cuts(text("Hello") + binary({0x31, 0xff, 0x32}) + text("") + binary({}) +
                     text("h\xc3\xa9!") + text("end"),
                 "ascii 5:Hello\nbinary 3:1\xff"
                 "2\nascii 0:\nbinary 0:\ntext 4:h\xc3\xa9!\nascii 3:end\n");
}

TEST("the RFC's examples") {
  check_all_cuts({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, "ascii 5:Hello\n");
  check_all_cuts({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}, "ascii 5:Hello\n");
  check_all_cuts({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, "ping 5:Hello\n");
  ReaderOptions server;
  server.expect_masked = true;
  check_all_cuts(server, {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58},
                 "ascii 5:Hello\n");
  check_all_cuts(server, {0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58},
                 "pong 5:Hello\n");
}

TEST("lengths around every boundary, in both roles") {
  Random random;
  for (const bool masked : {false, true}) {
    ReaderOptions options;
    options.expect_masked = masked;
    for (const size_t n : {124, 125, 126, 127, 128, 255, 256, 4095, 4096, 4097, 16383, 16384, 65535,
                           65536, 65537, 200000}) {
      const Bytes payload = random.bytes(n);
      Recorder want;
      want.on_message(false, false, payload.data(), n);
      want.on_ping(kKey, 0);
      const uint8_t* key = masked ? kKey : nullptr;
      const Bytes in = frame(0x82, payload, key) + frame(0x89, {}, key);
      CHECK_EQ(play(options, in), want.log);
      for (const size_t piece :
           {size_t{1}, size_t{13}, size_t{1447}, size_t{4096}, size_t{65536}}) {
        if (piece == 1 && n > 70000) continue;
        CHECK_EQ(play(options, in, {piece}), want.log);
        CHECK_EQ(play(options, in, {piece}, true), want.log);
      }
      for (size_t cut = 1; cut < 20; ++cut) CHECK_EQ(play(options, in, {cut, SIZE_MAX}), want.log);
    }
  }
}

TEST("lengths in a longer form than necessary are accepted") {
  check_all_cuts(frame(0x81, bytes("two"), nullptr, 2) + frame(0x81, bytes("eight"), nullptr, 8) +
                     frame(0x81, {}, nullptr, 8),
                 "ascii 3:two\nascii 5:eight\nascii 0:\n");
}

TEST("fragments, with control frames between them") {
  check_all_cuts(frame(0x01, bytes("a")) + frame(0x89, bytes("p")) + frame(0x00, {}) +
                     frame(0x8a, {}) + frame(0x00, bytes("b")) + frame(0x80, bytes("c")) +
                     text("next"),
                 "ping 1:p\npong 0:\nascii 3:abc\nascii 4:next\n");
  check_all_cuts(frame(0x02, {}) + frame(0x00, {}) + frame(0x80, {}), "binary 0:\n");
  // A character cut by fragments.
  check_all_cuts(
      frame(0x01, bytes("\xf0\x9f")) + frame(0x00, bytes("\x98")) + frame(0x80, bytes("\x80")),
      "text 4:\xf0\x9f\x98\x80\n");
}

TEST("control frames of the largest size, and close") {
  const std::string most(125, 'p');
  Recorder want;
  want.on_ping(reinterpret_cast<const uint8_t*>(most.data()), 125);
  want.on_pong(reinterpret_cast<const uint8_t*>(most.data()), 125);
  check_all_cuts(frame(0x89, bytes(most)) + frame(0x8a, bytes(most)) + close_frame(1000, "bye") +
                     text("after") + Bytes{0xff, 0xff},
                 want.log + "close 1000 3:bye\nclosed\n");
  check_all_cuts(frame(0x88, {}) + text("after"), "close 0:\nclosed\n");
  check_all_cuts(close_frame(4999, ""), "close 4999 0:\nclosed\n");
  // In the middle of a message: the message is lost.
  check_all_cuts(frame(0x01, bytes("half")) + close_frame(1001, "\xe2\x82\xac"),
                 "close 1001 3:\xe2\x82\xac\nclosed\n");
}

TEST("after a Close frame nothing is used") {
  Recorder recorder;
  FrameReader reader(recorder, ReaderOptions());
  Bytes in = close_frame(1000, "") + text("x");
  CHECK_EQ(reader.feed(in.data(), in.size()), size_t{4});
  CHECK(reader.closed());
  CHECK_EQ(reader.feed(in.data(), in.size()), size_t{0});
}

TEST("reserved bits") {
  check_failure(frame(0x91, bytes("x")), "1002 WS_ERR_UNEXPECTED_RSV_2_3");
  check_failure(frame(0xa1, bytes("x")), "1002 WS_ERR_UNEXPECTED_RSV_2_3");
  check_failure(frame(0xc1, bytes("x")), "1002 WS_ERR_UNEXPECTED_RSV_1");
  check_failure(frame(0xc9, bytes("x")), "1002 WS_ERR_UNEXPECTED_RSV_1");
  check_failure(frame(0xf8, {}), "1002 WS_ERR_UNEXPECTED_RSV_2_3");
}

TEST("reserved opcodes") {
  for (const uint8_t opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    check_failure(frame(0x80 | opcode, {}), "1002 WS_ERR_INVALID_OPCODE");
    check_failure(frame(0x80 | opcode, bytes("x")), "1002 WS_ERR_INVALID_OPCODE");
  }
}

TEST("rules of continuation") {
  check_failure(frame(0x80, bytes("x")), "1002 WS_ERR_INVALID_OPCODE");
  check_failure(frame(0x00, bytes("x")), "1002 WS_ERR_INVALID_OPCODE");
  check_failure(frame(0x01, bytes("x")) + frame(0x81, bytes("y")), "1002 WS_ERR_INVALID_OPCODE");
  check_failure(frame(0x02, {}) + frame(0x02, {}), "1002 WS_ERR_INVALID_OPCODE");
  check_all_cuts(frame(0x01, {}) + frame(0x80, {}) + frame(0x80, {}),
                 "ascii 0:\nfailed 1002 WS_ERR_INVALID_OPCODE\n");
}

TEST("control frames that are fragmented or too long") {
  for (const uint8_t opcode : {8, 9, 10}) {
    check_failure(frame(opcode, bytes("xx")), "1002 WS_ERR_EXPECTED_FIN");
    check_failure(frame(0x80 | opcode, Bytes(126, 'x')),
                  "1002 WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
    check_failure(frame(0x80 | opcode, Bytes(70000, 'x')),
                  "1002 WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
  }
}

TEST("masks that should not, or should, be there") {
  check_failure(frame(0x81, bytes("x"), kKey), "1002 WS_ERR_UNEXPECTED_MASK");
  check_failure(frame(0x89, {}, kKey), "1002 WS_ERR_UNEXPECTED_MASK");
  ReaderOptions server;
  server.expect_masked = true;
  check_all_cuts(server, frame(0x82, bytes("ok"), kKey) + frame(0x81, bytes("x")),
                 "binary 2:ok\nfailed 1002 WS_ERR_EXPECTED_MASK\n");
  check_all_cuts(
      server,
      frame(0x02, bytes("ok"), kKey) + frame(0x89, {}, kKey) + frame(0x80, bytes("!"), kKey),
      "ping 0:\nbinary 3:ok!\n");
}

TEST("Close frames") {
  check_failure(frame(0x88, {0x03}), "1002 WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
  for (const unsigned code :
       {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u}) {
    check_failure(close_frame(static_cast<uint16_t>(code), "why"),
                  "1002 WS_ERR_INVALID_CLOSE_CODE");
  }
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u,
                              1013u, 1014u, 3000u, 3999u, 4000u, 4999u}) {
    check_all_cuts(close_frame(static_cast<uint16_t>(code), "why"),
                   "close " + std::to_string(code) + " 3:why\nclosed\n");
  }
  check_failure(close_frame(1000, "\xff"), kUtf8Error);
  check_failure(close_frame(1000, "cut \xe2\x82"), kUtf8Error);
  ReaderOptions unchecked;
  unchecked.check_utf8 = false;
  check_all_cuts(unchecked, close_frame(1000, "\xff"), "close 1000 1:\xff\nclosed\n");
}

TEST("lengths that cannot be") {
  check_failure({0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 'x'},
                "1009 WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
  check_failure({0x82, 127, 0x00, 0x20, 0, 0, 0, 0, 0, 0, 'x'},
                "1009 WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
}

TEST("invalid text, whole and in fragments") {
  check_failure(text("\xc0\xaf"), kUtf8Error);
  check_failure(text("ok \xed\xa0\x80"), kUtf8Error);
  check_failure(text("cut \xc3"), kUtf8Error);
  check_failure(frame(0x01, bytes("cut \xc3")) + frame(0x80, {}), kUtf8Error);
  check_failure(frame(0x01, bytes("cut \xc3")) + frame(0x80, bytes("x")), kUtf8Error);
  check_failure(text(std::string(500, 'a') + "\xf5" + std::string(500, 'a')), kUtf8Error);
  check_failure(text(std::string(20000, 'a') + "\xf8" + std::string(20000, 'a')), kUtf8Error);
  ReaderOptions unchecked;
  unchecked.check_utf8 = false;
  check_all_cuts(unchecked,
                 text("\xc0\xaf") + text("plain") + frame(0x01, bytes("\xff")) + frame(0x80, {}),
                 "text 2:\xc0\xaf\nascii 5:plain\ntext 1:\xff\n");
}

TEST("invalid text fails before its frame is complete") {
  Bytes in = text(std::string(100000, 'a'));
  in[5000] = 0xff;
  for (const size_t piece : {size_t{1}, size_t{100}, size_t{5001}}) {
    Recorder recorder;
    FrameReader reader(recorder, ReaderOptions());
    size_t at = 0;
    while (!reader.failed() && at < in.size()) {
      feed_piece(reader, in.data() + at, std::min(piece, in.size() - at));
      at += piece;
    }
    CHECK(reader.failed());
    CHECK(at < 5001 + piece);
  }
  // And before the byte that would have completed a character: F4 90 is above U+10FFFF.
  Recorder recorder;
  FrameReader reader(recorder, ReaderOptions());
  Bytes start = {0x01, 0x04, 0xf4, 0x90};
  reader.feed(start.data(), start.size());
  CHECK(reader.failed());
}

TEST("limits on messages") {
  ReaderOptions options;
  options.max_message = 10;
  const std::string too_big = "1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
  check_all_cuts(options, binary(Bytes(10, 'x')), "binary 10:xxxxxxxxxx\n");
  check_failure(options, binary(Bytes(11, 'x')), too_big);
  check_failure(options, binary(Bytes(200, 'x')), too_big);
  check_failure(options, frame(0x02, Bytes(6, 'x')) + frame(0x00, Bytes(5, 'x')), too_big);
  check_all_cuts(options, frame(0x02, Bytes(6, 'x')) + frame(0x80, Bytes(4, 'x')),
                 "binary 10:xxxxxxxxxx\n");
  // By the header alone.
  Recorder recorder;
  FrameReader reader(recorder, options);
  Bytes header = {0x82, 11};
  CHECK_EQ(reader.feed(header.data(), 2), size_t{2});
  CHECK(reader.failed());
  // Control frames are not messages.
  options.max_message = 1;
  check_all_cuts(options, frame(0x89, bytes("longer")), "ping 6:longer\n");
}

TEST("a limit of its own on text") {
  ReaderOptions options;
  options.max_text = 10;
  const std::string too_big = "1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
  check_all_cuts(options, binary(Bytes(11, 'x')), "binary 11:xxxxxxxxxxx\n");
  check_all_cuts(options, text("xxxxxxxxxx"), "ascii 10:xxxxxxxxxx\n");
  check_failure(options, frame(0x01, Bytes(6, 'x')) + frame(0x80, Bytes(5, 'x')), too_big);
  // By the header alone, of a message that nobody could hold.
  Recorder recorder;
  FrameReader reader(recorder, options);
  Bytes header = {0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0};
  CHECK_EQ(reader.feed(header.data(), header.size()), header.size());
  CHECK(reader.failed());
  // The smaller of the two holds.
  options.max_message = 6;
  check_failure(options, frame(0x81, Bytes(7, 'x')), too_big);
}

TEST("limits on fragments") {
  ReaderOptions options;
  options.max_fragments = 3;
  const Bytes three = frame(0x02, {}) + frame(0x00, bytes("x")) + frame(0x80, {});
  check_all_cuts(options, three + three, "binary 1:x\nbinary 1:x\n");
  check_failure(options, frame(0x02, {}) + frame(0x00, {}) + frame(0x00, {}) + frame(0x00, {}),
                "1008 WS_ERR_TOO_MANY_BUFFERED_PARTS");
}

TEST("without a limit, fragments are not counted, but for those that bring nothing") {
  const size_t most = 16384;  // empty ones
  const auto repeat = [](size_t times, const Bytes& one) {
    Bytes all;
    for (size_t i = 0; i < times; ++i) all.insert(all.end(), one.begin(), one.end());
    return all;
  };
  const Bytes byte = frame(0x00, bytes("x"));
  const Bytes nothing = frame(0x00, {});
  const Bytes end = frame(0x80, {});
  const std::string too_many = "failed 1008 WS_ERR_TOO_MANY_BUFFERED_PARTS\n";

  Recorder want;
  const Bytes payload(300000, 'x');
  want.on_message(false, false, payload.data(), payload.size());
  CHECK_EQ(play(ReaderOptions(), frame(0x02, {}) + repeat(300000, byte) + end), want.log);
  // Of a text, too, and counted anew with each message.
  const Bytes allowed = frame(0x01, {}) + repeat(most - 1, nothing) + end;
  CHECK_EQ(play(ReaderOptions(), allowed + allowed), "ascii 0:\nascii 0:\n");
  CHECK_EQ(play(ReaderOptions(), frame(0x01, {}) + repeat(most, nothing) + end), too_many);
  CHECK_EQ(play(ReaderOptions(), frame(0x01, bytes("a")) + repeat(most + 1, byte + nothing)),
           too_many);
  // One byte each: what they hold counts.
  ReaderOptions options;
  options.max_message = 1000;
  CHECK_EQ(play(options, frame(0x02, {}) + repeat(1001, byte)),
           "failed 1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH\n");
  // A number given is what counts.
  options.max_fragments = 20000;
  CHECK_EQ(play(options, frame(0x01, {}) + repeat(19998, nothing) + end), "ascii 0:\n");
  CHECK_EQ(play(options, frame(0x01, {}) + repeat(20000, nothing)), too_many);
}

TEST("what is cut is known to be cut") {
  CHECK_EQ(play(ReaderOptions(), {}), "");
  CHECK_EQ(play(ReaderOptions(), {0x81}), "cut\n");
  CHECK_EQ(play(ReaderOptions(), {0x81, 1}), "cut\n");
  CHECK_EQ(play(ReaderOptions(), frame(0x01, {})), "cut\n");
  CHECK_EQ(play(ReaderOptions(), text("x")), "ascii 1:x\n");
}

TEST("a pause stops after its event") {
  Recorder recorder;
  recorder.pause_every = 1;
  FrameReader reader(recorder, ReaderOptions());
  Bytes in =
      text("a") + frame(0x89, {}) + frame(0x01, bytes("b")) + frame(0x80, bytes("c")) + text("d");
  CHECK_EQ(reader.feed(in.data(), in.size()), size_t{3});
  CHECK_EQ(reader.feed(in.data() + 3, in.size() - 3), size_t{2});
  CHECK_EQ(reader.feed(in.data() + 5, in.size() - 5), size_t{6});
  CHECK_EQ(reader.feed(in.data() + 11, in.size() - 11), size_t{3});
  CHECK_EQ(recorder.log, "ascii 1:a\nping 0:\nascii 2:bc\nascii 1:d\n");
}

TEST("windows take a large payload without a copy, and end with the frame") {
  Random random;
  const Bytes payload = random.bytes(1 << 20);
  Recorder want;
  want.on_message(false, false, payload.data(), payload.size());
  const Bytes in = binary(payload) + text("next");
  for (const size_t first : {size_t{10}, size_t{11}, size_t{5000}, size_t{600000}}) {
    Recorder recorder;
    FrameReader reader(recorder, ReaderOptions());
    feed_piece(reader, in.data(), first);
    size_t at = first;
    int windows = 0;
    for (;;) {
      const FrameReader::Window window = reader.direct_window();
      if (window.size == 0) break;
      ++windows;
      CHECK_EQ(window.size, 10 + payload.size() - at);
      const size_t n = std::min<size_t>(window.size, 100000);
      std::memcpy(window.data, in.data() + at, n);
      CHECK(reader.commit(n));
      at += n;
    }
    CHECK_EQ(windows > 0, vws::tuning().direct);
    feed_piece(reader, in.data() + at, in.size() - at);
    CHECK_EQ(recorder.log, want.log + "ascii 4:next\n");
    if (windows > 0) CHECK_EQ(recorder.blocks, size_t{1});
    CHECK_EQ(reader.stats().wire_bytes, uint64_t{in.size()});
  }
}

TEST("after a large message another is expected, until a small one or a control frame comes") {
  Recorder recorder;
  FrameReader reader(recorder, ReaderOptions());
  CHECK(!reader.expects_window());
  const Bytes large = binary(Bytes(64 * 1024, 'x'));
  for (const Bytes& other : {text("small"), frame(0x89, {})}) {
    feed_piece(reader, large.data(), large.size());
    CHECK(reader.expects_window());
    feed_piece(reader, other.data(), other.size());
    CHECK(!reader.expects_window());
  }
}

TEST("a header alone does not make the reader take much memory") {
  Recorder recorder;
  FrameReader reader(recorder, ReaderOptions());
  const Bytes header = {0x82, 127, 0, 0, 0, 0, 0x3f, 0, 0, 0, 'x'};  // nearly 1 GiB
  feed_piece(reader, header.data(), header.size());
  CHECK(!reader.failed());
  const FrameReader::Window window = reader.direct_window();
  CHECK(window.size <= vws::BlockPool::kMapped + 64 * 1024);
}

TEST("messages of many MiB, whole, in fragments and at several piece sizes") {
  Random random;
  const Bytes payload = random.bytes(20 * 1024 * 1024);
  Recorder want;
  want.on_message(false, false, payload.data(), payload.size());
  const Bytes whole = binary(payload);
  CHECK_EQ(play(ReaderOptions(), whole), want.log);
  CHECK_EQ(play(ReaderOptions(), whole, {60000}), want.log);
  CHECK_EQ(play(ReaderOptions(), whole, {60000}, true), want.log);
  Bytes parts;
  for (size_t at = 0; at < payload.size(); at += 10000) {
    const size_t n = std::min<size_t>(10000, payload.size() - at);
    const uint8_t first =
        static_cast<uint8_t>((at == 0 ? 0x02 : 0x00) | (at + n == payload.size() ? 0x80 : 0));
    const Bytes part(payload.begin() + static_cast<long>(at),
                     payload.begin() + static_cast<long>(at + n));
    parts = std::move(parts) + frame(first, part);
  }
  CHECK_EQ(play(ReaderOptions(), parts), want.log);
  CHECK_EQ(play(ReaderOptions(), parts, {4000}), want.log);
}

TEST("counters") {
  Recorder recorder;
  FrameReader reader(recorder, ReaderOptions());
  const Bytes in = text("abc") + frame(0x89, bytes("p")) + frame(0x02, bytes("x")) +
                   frame(0x80, bytes("y")) + binary(Bytes(300, 'z'));
  play(reader, recorder, in, {7});
  CHECK_EQ(reader.stats().frames, uint64_t{5});
  CHECK_EQ(reader.stats().messages, uint64_t{3});
  CHECK_EQ(reader.stats().payload_bytes, uint64_t{305});
  CHECK_EQ(reader.stats().wire_bytes, uint64_t{in.size()});
}

TEST("random streams of frames, cut at random, in both roles") {
  Random random;
  for (int round = 0; round < 1500; ++round) {
    const bool masked = round % 2 == 1;
    ReaderOptions options;
    options.expect_masked = masked;
    Recorder want;
    Bytes in;
    for (int i = 0; i < 12; ++i) {
      const auto add = [&](uint8_t first, const Bytes& payload) {
        const Bytes key = random.bytes(4);
        in = std::move(in) + frame(first, payload, masked ? key.data() : nullptr);
      };
      const size_t n = random.below(4) == 0 ? random.below(9000) : random.below(140);
      Bytes payload = random.bytes(n);
      const bool is_text = random.below(2) == 0;
      if (is_text) {
        for (uint8_t& byte : payload) byte &= 0x7f;
      }
      const uint8_t opcode = is_text ? 1 : 2;
      size_t at = 0;
      bool first = true;
      while (random.below(3) == 0) {
        const size_t part = random.below(n - at + 1);
        add(first ? opcode : 0, Bytes(payload.begin() + static_cast<long>(at),
                                      payload.begin() + static_cast<long>(at + part)));
        at += part;
        first = false;
        if (random.below(3) == 0) {
          const Bytes ping = random.bytes(random.below(126));
          add(0x89, ping);
          want.on_ping(ping.data(), ping.size());
        }
      }
      add(static_cast<uint8_t>(0x80 | (first ? opcode : 0)),
          Bytes(payload.begin() + static_cast<long>(at), payload.end()));
      want.on_message(is_text, is_text, payload.data(), n);
    }
    std::vector<size_t> pieces;
    const size_t largest = size_t{1} << random.below(15);
    for (int i = 0; i < 100; ++i) pieces.push_back(1 + random.below(largest));
    CHECK_EQ(play(options, in, pieces, random.below(2) == 0), want.log);
    CHECK_EQ(play(options, in), want.log);
  }
}

TEST_MAIN
