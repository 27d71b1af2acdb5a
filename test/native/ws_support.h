#pragma once

// What the tests and fuzzers of the frame reader share: a sink that writes down what it is told,
// frames made by hand (not by the writer under test), and ways to cut them.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "engine/ws/frame_reader.h"

namespace vws::test {

using Bytes = std::vector<uint8_t>;

inline Bytes bytes(const std::string& text) { return Bytes(text.begin(), text.end()); }

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A frame by RFC 6455 §5.2; first holds FIN, RSV and opcode. form: 0 as short as possible, else the
// size of the length in bytes (2 or 8).
inline Bytes frame(uint8_t first, const Bytes& payload, const uint8_t* key = nullptr,
                   int form = 0) {
  Bytes out = {first};
  const uint8_t mask_bit = key != nullptr ? 0x80 : 0;
  const size_t n = payload.size();
  if (form == 0) form = n <= 125 ? 1 : n <= 0xffff ? 2 : 8;
  if (form == 1) {
    out.push_back(static_cast<uint8_t>(mask_bit | n));
  } else {
    out.push_back(mask_bit | (form == 2 ? 126 : 127));
    for (int i = form - 1; i >= 0; --i) {
      out.push_back(static_cast<uint8_t>(static_cast<uint64_t>(n) >> (8 * i)));
    }
  }
  if (key != nullptr) out.insert(out.end(), key, key + 4);
  for (size_t i = 0; i < n; ++i) {
    out.push_back(key != nullptr ? payload[i] ^ key[i % 4] : payload[i]);
  }
  return out;
}

inline Bytes text(const std::string& payload) { return frame(0x81, bytes(payload)); }
inline Bytes binary(const Bytes& payload) { return frame(0x82, payload); }
inline Bytes close_frame(uint16_t code, const std::string& reason) {
  return frame(0x88,
               Bytes{static_cast<uint8_t>(code >> 8), static_cast<uint8_t>(code)} + bytes(reason));
}

// Writes down every event as a line. Large payloads go down as their size and a sum, so that
// comparing stays quick. Whether a message came as a block is not written: that depends on the
// cuts.
class Recorder : public MessageSink {
 public:
  std::string log;
  size_t pause_every = 0;  // answer false at every nth event
  size_t events = 0;
  size_t blocks = 0;
  size_t inflated = 0;  // the most at once
  size_t pauses = 0;

  bool on_message(bool is_text, bool ascii, const uint8_t* data, size_t n) override {
    return note(is_text ? (ascii ? "ascii" : "text") : "binary", data, n);
  }
  bool on_large_message(bool is_text, bool ascii, Block block) override {
    ++blocks;
    return note(is_text ? (ascii ? "ascii" : "text") : "binary", block.data(), block.size());
  }
  bool on_ping(const uint8_t* data, size_t n) override { return note("ping", data, n); }
  bool on_pong(const uint8_t* data, size_t n) override { return note("pong", data, n); }
  // Is no event: how often it comes depends on the cuts.
  bool on_inflated(size_t n) override {
    inflated = std::max(inflated, n);
    return pause_every == 0 || ++pauses % pause_every != 0;
  }
  bool on_close(bool has_code, uint16_t code, const uint8_t* reason, size_t n) override {
    return note(has_code ? "close " + std::to_string(code) : "close", reason, n);
  }

 private:
  bool note(const std::string& kind, const uint8_t* data, size_t n) {
    log += kind + " " + std::to_string(n) + ":";
    if (n <= 64) {
      log.append(reinterpret_cast<const char*>(data), n);
    } else {
      uint64_t sum = 0xcbf29ce484222325u;
      size_t i = 0;
      for (uint64_t word; i + 8 <= n; i += 8) {
        std::memcpy(&word, data + i, 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
      }
      for (; i < n; ++i) sum = (sum ^ data[i]) * 0x100000001b3u;
      log += "#" + std::to_string(sum);
    }
    log += "\n";
    ++events;
    return pause_every == 0 || events % pause_every != 0;
  }
};

// How the reader ended, as the last line of the log.
inline std::string ending(const FrameReader& reader) {
  if (reader.failed()) {
    return "failed " + std::to_string(reader.failure().close_code) + " " + reader.failure().code +
           "\n";
  }
  if (reader.closed()) return "closed\n";
  return reader.mid_message() ? "cut\n" : "";
}

// Feeds one piece, from memory of its own so that a sanitizer sees a byte too many; goes on after
// pauses.
inline void feed_piece(FrameReader& reader, const uint8_t* data, size_t n) {
  Bytes copy(data, data + n);
  size_t at = 0;
  while (at < n && !reader.failed() && !reader.closed()) {
    const size_t used = reader.feed(copy.data() + at, n - at);
    at += used;
    if (used == 0 && at < n && !reader.failed()) {
      std::abort();  // a reader that neither goes on nor says why
    }
  }
}

// Feeds all of in, in pieces of the given sizes, the last of which is repeated. Where the reader
// offers a window, it is used for every other piece if windows is set.
inline std::string play(FrameReader& reader, Recorder& recorder, const Bytes& in,
                        const std::vector<size_t>& pieces, bool windows = false) {
  size_t at = 0;
  for (size_t i = 0; at < in.size() && !reader.failed() && !reader.closed(); ++i) {
    size_t n = std::min(pieces[std::min(i, pieces.size() - 1)], in.size() - at);
    const FrameReader::Window window = windows ? reader.direct_window() : FrameReader::Window{};
    if (window.size != 0) {
      n = std::min(n, window.size);
      std::memcpy(window.data, in.data() + at, n);
      reader.commit(n);
    } else {
      feed_piece(reader, in.data() + at, n);
    }
    at += n;
  }
  return recorder.log + ending(reader);
}

inline std::string play(const ReaderOptions& options, const Bytes& in,
                        const std::vector<size_t>& pieces = {SIZE_MAX}, bool windows = false) {
  Recorder recorder;
  FrameReader reader(recorder, options);
  return play(reader, recorder, in, pieces, windows);
}

}  // namespace vws::test
