// Compression against zlib itself, used directly as the peer.

#include "engine/ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "harness.h"

using vws::Block;
using vws::DeflatePool;
using vws::Deflater;
using vws::Inflater;
using Bytes = std::vector<uint8_t>;
using vws::test::Random;

namespace {

// The other side: RFC 7692 §7.2.1 and §7.2.2 by zlib's own functions.
class Peer {
 public:
  explicit Peer(int bits = 15, int level = 6) {
    deflateInit2(&deflate_, level, Z_DEFLATED, -std::max(bits, 9), 8, Z_DEFAULT_STRATEGY);
    inflateInit2(&inflate_, -bits);
  }
  ~Peer() {
    deflateEnd(&deflate_);
    inflateEnd(&inflate_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  Bytes compress(const Bytes& in, int flush = Z_SYNC_FLUSH) {
    Bytes out(in.size() * 2 + 1000);
    deflate_.next_in = const_cast<uint8_t*>(in.data());
    deflate_.avail_in = static_cast<uInt>(in.size());
    deflate_.next_out = out.data();
    deflate_.avail_out = static_cast<uInt>(out.size());
    deflate(&deflate_, flush);
    out.resize(out.size() - deflate_.avail_out);
    if (flush == Z_SYNC_FLUSH && out.size() >= 4) out.resize(out.size() - 4);
    return out;
  }
  void forget() { deflateReset(&deflate_); }

  // One byte of room at a time, so that nothing but zlib's window holds what was before: a match
  // that reaches back beyond the window is seen.
  bool decompress(Bytes in, Bytes* out) {
    const uint8_t tail[] = {0, 0, 0xff, 0xff};
    in.insert(in.end(), tail, tail + 4);
    inflate_.next_in = in.data();
    inflate_.avail_in = static_cast<uInt>(in.size());
    for (;;) {
      uint8_t byte;
      inflate_.next_out = &byte;
      inflate_.avail_out = 1;
      const int result = inflate(&inflate_, Z_SYNC_FLUSH);
      if (inflate_.avail_out == 0) out->push_back(byte);
      if (result != Z_OK && result != Z_BUF_ERROR) return false;
      if (inflate_.avail_out != 0) return inflate_.avail_in == 0;
    }
  }

 private:
  z_stream deflate_{};
  z_stream inflate_{};
};

// Something to compress: words that recur.
Bytes prose(Random& random, size_t n) {
  static const char* kWords[] = {"{\"name\":", "\"value\",", "12345",    "the ",
                                 "and ",       "}],[{",      "\xc3\xa9", "xyzzy "};
  std::string out;
  while (out.size() < n) {
    out += kWords[random.below(8)];
    if (random.below(10) == 0) out += static_cast<char>('a' + random.below(26));
  }
  out.resize(n);
  return Bytes(out.begin(), out.end());
}

Bytes sample(Random& random, size_t n) {
  return random.below(4) == 0 ? random.bytes(n) : prose(random, n);
}

// Feeds a message in pieces as the reader would.
Inflater::Status inflate_all(Inflater& inflater, const Bytes& in, size_t piece, uint64_t max,
                             Bytes* out) {
  size_t at = 0;
  do {
    const size_t n = std::min(piece, in.size() - at);
    const Bytes copy(in.begin() + static_cast<long>(at), in.begin() + static_cast<long>(at + n));
    at += n;
    const Inflater::Status status = inflater.feed(copy.data(), n, at == in.size(), max);
    if (status != Inflater::Status::kOk) {
      inflater.reset();
      return status;
    }
    if (at < in.size()) CHECK(inflater.keep());
  } while (at < in.size());
  out->assign(inflater.output(), inflater.output() + inflater.output_size());
  inflater.end_message();
  return Inflater::Status::kOk;
}

Bytes compress(Deflater& deflater, const Bytes& in, bool last = true) {
  Deflater::Output out{};
  CHECK(deflater.compress(in.data(), in.size(), last, &out));
  return Bytes(out.data, out.data + out.size);
}

Bytes of(const std::string& text) { return Bytes(text.begin(), text.end()); }

}  // namespace

TEST("messages from zlib, every window and takeover, in pieces and whole") {
  Random random;
  for (int bits = 8; bits <= 15; ++bits) {
    for (const bool forget : {false, true}) {
      DeflatePool pool;
      Inflater inflater(pool, bits, forget);
      Peer peer(bits);
      for (int i = 0; i < 60; ++i) {
        const Bytes message = sample(random, random.below(size_t{1} << random.below(18)));
        const Bytes wire = message.empty() ? Bytes{0} : peer.compress(message);
        if (forget) peer.forget();
        Bytes out;
        const size_t piece = i % 2 == 0 ? SIZE_MAX : 1 + random.below(2000);
        CHECK_EQ(inflate_all(inflater, wire, piece, 0, &out), Inflater::Status::kOk);
        CHECK(out == message);
      }
    }
  }
}

TEST("messages for zlib, every window, level and takeover, in fragments and whole") {
  Random random;
  for (int bits = 8; bits <= 15; ++bits) {
    for (const bool forget : {false, true}) {
      for (const int level : {0, 1, 6, 9}) {
        DeflatePool pool;
        Deflater deflater(pool, bits, forget, level, 8);
        auto peer = std::make_unique<Peer>(bits);
        for (int i = 0; i < 25; ++i) {
          const Bytes message = sample(random, random.below(size_t{1} << random.below(16)));
          Bytes wire;
          if (i % 3 == 0) {
            const size_t cut = random.below(message.size() + 1);
            wire = compress(
                deflater, Bytes(message.begin(), message.begin() + static_cast<long>(cut)), false);
            const Bytes rest =
                compress(deflater, Bytes(message.begin() + static_cast<long>(cut), message.end()));
            wire.insert(wire.end(), rest.begin(), rest.end());
          } else {
            wire = compress(deflater, message);
          }
          Bytes out;
          CHECK(peer->decompress(wire, &out));
          CHECK(out == message);
          if (forget) peer = std::make_unique<Peer>(bits);
        }
      }
    }
  }
}

TEST("a window of 8 bits: no match reaches back further than 256 bytes") {
  Random random;
  DeflatePool pool;
  for (const int level : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    Deflater deflater(pool, 8, false, level, 8);
    Peer peer(8);  // zlib can inflate with such a window, and refuses what goes beyond it
    for (size_t period = 200; period < 600; period += 3) {
      // The same random bytes over and over: every match there is lies one period back.
      const Bytes unit = random.bytes(period);
      Bytes message;
      for (int i = 0; i < 8; ++i) message.insert(message.end(), unit.begin(), unit.end());
      Bytes out;
      CHECK(peer.decompress(compress(deflater, message), &out));
      CHECK(out == message);
    }
  }
}

TEST("empty messages") {
  DeflatePool pool;
  for (const bool forget : {false, true}) {
    Deflater deflater(pool, 15, forget, 6, 8);
    Peer peer;
    CHECK(compress(deflater, {}) == Bytes{0});
    Bytes out;
    CHECK(peer.decompress(compress(deflater, {}), &out));
    CHECK(peer.decompress(compress(deflater, of("x")), &out));
    CHECK(peer.decompress(compress(deflater, {}), &out));
    CHECK(out == of("x"));
    CHECK(compress(deflater, {}, false).empty());

    Inflater inflater(pool, 15, forget);
    CHECK_EQ(inflate_all(inflater, {0}, 1, 0, &out), Inflater::Status::kOk);
    CHECK(out.empty());
    CHECK_EQ(inflate_all(inflater, {}, 1, 0, &out), Inflater::Status::kOk);
    CHECK(out.empty());
    CHECK_EQ(inflate_all(inflater, Peer().compress(of("after")), 1, 0, &out),
             Inflater::Status::kOk);
    CHECK(out == of("after"));
  }
}

TEST("the RFC's examples, §7.2.3") {
  const Bytes hello = of("Hello");
  for (size_t piece = 1; piece < 14; ++piece) {
    DeflatePool pool;
    Inflater inflater(pool, 15, false);
    for (const Bytes& wire : {
             Bytes{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},  // one block
             Bytes{0xf2, 0x00, 0x11, 0x00, 0x00},              // with the window
             Bytes{0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f,
                   0x00},                                            // not compressed
             Bytes{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00},  // BFINAL
             Bytes{0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07,
                   0x00},                                      // two
             Bytes{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},  // BFINAL, at the end
             Bytes{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},
         }) {
      Bytes out;
      CHECK_EQ(inflate_all(inflater, wire, piece, 0, &out), Inflater::Status::kOk);
      CHECK(out == hello);
    }
  }
}

TEST("blocks with BFINAL: the window lives on, within a message and across") {
  Random random;
  for (const size_t piece : {size_t{1}, size_t{100}, SIZE_MAX}) {
    DeflatePool pool;
    Inflater inflater(pool, 15, false);
    Bytes before;
    for (int i = 0; i < 20; ++i) {
      const Bytes message = prose(random, 3000);
      // A raw stream that ends, but begins with the window of the message before.
      z_stream stream{};
      deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
      if (!before.empty())
        deflateSetDictionary(&stream, before.data(), static_cast<uInt>(before.size()));
      Bytes wire(10000);
      stream.next_in = const_cast<uint8_t*>(message.data());
      stream.avail_in = static_cast<uInt>(message.size());
      stream.next_out = wire.data();
      stream.avail_out = static_cast<uInt>(wire.size());
      CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
      wire.resize(wire.size() - stream.avail_out);
      deflateEnd(&stream);
      if (i % 2 == 0) wire.push_back(0);
      Bytes out;
      CHECK_EQ(inflate_all(inflater, wire, piece, 0, &out), Inflater::Status::kOk);
      CHECK(out == message);
      before = message;
    }
    // Many of them in one message.
    Bytes wire;
    for (int i = 0; i < 100000; ++i) wire.insert(wire.end(), {0x03, 0x00});
    wire.push_back(0);
    Bytes out;
    CHECK_EQ(inflate_all(inflater, wire, piece, 0, &out), Inflater::Status::kOk);
    CHECK(out.empty());
  }
}

TEST("limits hold to the byte, in pieces and whole") {
  Random random;
  for (const size_t size : {size_t{1}, size_t{100}, size_t{65536}, size_t{65537}, size_t{200000}}) {
    const Bytes message = prose(random, size);
    const Bytes wire = Peer().compress(message);
    for (const size_t piece : {size_t{1}, size_t{50}, SIZE_MAX}) {
      DeflatePool pool;
      Inflater inflater(pool, 15, false);
      Bytes out;
      CHECK_EQ(inflate_all(inflater, wire, piece, size, &out), Inflater::Status::kOk);
      CHECK(out == message);
      Inflater strict(pool, 15, false);
      if (size > 1)
        CHECK_EQ(inflate_all(strict, wire, piece, size - 1, &out), Inflater::Status::kTooLarge);
      Inflater none(pool, 15, true);
      CHECK_EQ(inflate_all(none, wire, piece, UINT64_MAX, &out), Inflater::Status::kOk);
    }
  }
}

TEST("a bomb takes no more memory than the limit allows") {
  const Bytes wire = Peer(15, 9).compress(Bytes(100 * 1024 * 1024, 'a'));
  CHECK(wire.size() < 200000);
  DeflatePool pool;
  Inflater inflater(pool, 15, false);
  CHECK_EQ(inflater.feed(wire.data(), wire.size(), true, 1000000), Inflater::Status::kTooLarge);
  CHECK_EQ(inflater.output_size(), size_t{1000000});
  inflater.reset();
}

TEST("corrupt and incomplete data") {
  Random random;
  const Bytes wire = Peer().compress(prose(random, 500));
  for (size_t n = 1; n < wire.size(); ++n) {
    DeflatePool pool;
    Inflater inflater(pool, 15, false);
    Bytes out;
    const Bytes part(wire.begin(), wire.begin() + static_cast<long>(n));
    CHECK_EQ(inflate_all(inflater, part, SIZE_MAX, 0, &out), Inflater::Status::kCorrupt);
    // The context that went back to the pool must be clean.
    CHECK_EQ(inflate_all(inflater, wire, SIZE_MAX, 0, &out), Inflater::Status::kOk);
  }
  DeflatePool pool;
  Inflater inflater(pool, 15, false);
  Bytes out;
  for (const Bytes& bad : {Bytes{0xff}, Bytes{0x06}, Bytes{0x01, 0x02, 0x03, 0x04, 0x05},
                           Bytes{0x4b, 0x04, 0x05, 0xff}, Bytes(20, 0xff)}) {
    CHECK_EQ(inflate_all(inflater, bad, SIZE_MAX, 0, &out), Inflater::Status::kCorrupt);
    CHECK_EQ(inflate_all(inflater, bad, 1, 0, &out), Inflater::Status::kCorrupt);
  }
  // The end that the sender was to take off is still there.
  Bytes whole = wire;
  whole.insert(whole.end(), {0x00, 0x00, 0xff, 0xff});
  CHECK_EQ(inflate_all(inflater, whole, SIZE_MAX, 0, &out), Inflater::Status::kCorrupt);
}

TEST("without context takeover, connections share their contexts") {
  Random random;
  DeflatePool pool;
  std::vector<std::unique_ptr<Deflater>> deflaters;
  std::vector<std::unique_ptr<Inflater>> inflaters;
  for (int i = 0; i < 50; ++i) {
    deflaters.push_back(std::make_unique<Deflater>(pool, 15, true, 6, 8));
    inflaters.push_back(std::make_unique<Inflater>(pool, 15, true));
  }
  for (int round = 0; round < 300; ++round) {
    const size_t i = random.below(deflaters.size());
    const Bytes message = sample(random, 1 + random.below(3000));
    Bytes out;
    const Bytes wire = compress(*deflaters[i], message);
    CHECK_EQ(inflate_all(*inflaters[random.below(inflaters.size())], wire, SIZE_MAX, 0, &out),
             Inflater::Status::kOk);
    CHECK(out == message);
    if (round % 50 == 0) pool.trim();
  }
}

TEST("with context takeover, connections do not disturb each other") {
  Random random;
  DeflatePool pool;
  std::vector<std::unique_ptr<Deflater>> deflaters;
  std::vector<std::unique_ptr<Inflater>> inflaters;
  for (int i = 0; i < 20; ++i) {
    deflaters.push_back(std::make_unique<Deflater>(pool, 9 + i % 7, false, 1 + i % 9, 8));
    inflaters.push_back(std::make_unique<Inflater>(pool, 9 + i % 7, false));
  }
  for (int round = 0; round < 1000; ++round) {
    const size_t i = random.below(deflaters.size());
    const Bytes message = sample(random, random.below(5000));
    Bytes out;
    const Bytes wire = compress(*deflaters[i], message);
    CHECK_EQ(inflate_all(*inflaters[i], wire, 1 + random.below(700), 0, &out),
             Inflater::Status::kOk);
    CHECK(out == message);
  }
}

TEST("output as a block, and much of it") {
  Random random;
  DeflatePool pool;
  Deflater deflater(pool, 15, false, 6, 8);
  Inflater inflater(pool, 15, false);
  for (const size_t n :
       {size_t{1}, size_t{65536}, size_t{65537}, size_t{5000000}, size_t{0}, size_t{20000000}}) {
    for (const bool noise : {false, true}) {
      const Bytes message = noise ? random.bytes(n) : prose(random, n);
      const Bytes wire = compress(deflater, message);
      CHECK_EQ(inflater.feed(wire.data(), wire.size(), true, 0), Inflater::Status::kOk);
      CHECK_EQ(inflater.output_size(), n);
      const Block block = inflater.take_output();
      CHECK_EQ(block.size(), n);
      CHECK(n == 0 || std::equal(message.begin(), message.end(), block.data()));
      inflater.end_message();
    }
  }
}

TEST("zlib says its version") { CHECK_EQ(std::string(vws::linked_zlib_version()), ZLIB_VERSION); }

TEST_MAIN
