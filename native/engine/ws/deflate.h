#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/ws/block_pool.h"

namespace vws {

class InflateContext;  // zlib's state, in deflate.cc
class DeflateContext;

struct InflateContextDeleter {
  void operator()(InflateContext* context) const;
};
struct DeflateContextDeleter {
  void operator()(DeflateContext* context) const;
};
using InflateContextPtr = std::unique_ptr<InflateContext, InflateContextDeleter>;
using DeflateContextPtr = std::unique_ptr<DeflateContext, DeflateContextDeleter>;

// Compression contexts not in use and scratch memory, shared by the connections of one thread, to
// which it belongs. Connections without context takeover hold a context only during a message;
// connections that never compress hold none.
class DeflatePool {
 public:
  static constexpr size_t kMaxIdle = 8;               // contexts kept of each direction
  static constexpr size_t kScratch = 64 * 1024;       // first size of a scratch block
  static constexpr size_t kMaxScratch = 1024 * 1024;  // larger ones are not kept

  DeflatePool();
  ~DeflatePool();
  DeflatePool(const DeflatePool&) = delete;
  DeflatePool& operator=(const DeflatePool&) = delete;

  // Frees contexts and scratch memory.
  void trim();
  // Frees them if none was used since the last call. To be called now and then, seconds apart, while bulky().
  void trim_idle();
  // Whether so much is kept that it is worth trimming.
  bool bulky() const;

 private:
  friend class Inflater;
  friend class Deflater;
  InflateContextPtr take_inflate(int window_bits);
  void give_back(InflateContextPtr context);
  DeflateContextPtr take_deflate(int window_bits, int level, int mem_level);
  void give_back(DeflateContextPtr context);

  std::vector<InflateContextPtr> inflate_idle_;
  std::vector<DeflateContextPtr> deflate_idle_;
  Block inflate_scratch_;
  Block deflate_scratch_;
  bool used_ = false;  // since the last trim_idle()
};

// Decompresses the messages of one connection (RFC 7692 §7.2.2). Thread of the pool. Messages may
// hold blocks with BFINAL set, which §7.2.3.4 allows; what is cut inside a block is corrupt. A
// message without any payload, which §7.2.3.6 does not provide for, is taken for an empty one, as
// others do. Data that reaches back beyond the negotiated window is refused where zlib no longer
// has what it refers to.
class Inflater {
 public:
  enum class Status : uint8_t { kOk, kCorrupt, kTooLarge, kNoMemory };

  // pool must outlive it.
  Inflater(DeflatePool& pool, int window_bits, bool no_context_takeover)
      : pool_(pool), window_bits_(window_bits), no_context_takeover_(no_context_takeover) {}
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Takes a piece of the current message's compressed payload; last: the message ends with it.
  // Output is appended to what output()/output_size() show. kTooLarge as soon as it would exceed
  // max_size (0: no limit), which holds however small the input is. After anything but kOk: reset()
  // only.
  Status feed(const uint8_t* in, size_t n, bool last, uint64_t max_size);

  // The message so far. Valid until the next feed(), and, unless keep() is called, only until
  // another connection of the pool is fed.
  const uint8_t* output() const { return output_; }
  size_t output_size() const { return output_size_; }
  // Whether the output lies in the pool's scratch memory.
  bool in_scratch() const { return output_ != nullptr && !own_; }
  // Moves the output out of the shared scratch memory, because the message will go on later. False
  // without memory.
  bool keep();
  // The output as a block of its own, once the message is complete; empty without memory.
  Block take_output();
  // Ends the message: drops the output and, without context takeover, the context.
  void end_message();
  // Drops everything.
  void reset();

 private:
  Status run(const uint8_t* in, size_t n, uint64_t max_size);
  Status finish(uint64_t max_size);
  bool make_room();
  void drop_context();

  DeflatePool& pool_;
  InflateContextPtr context_;
  Block own_;  // the output once it has left the scratch memory
  uint8_t* output_ = nullptr;
  size_t output_size_ = 0;
  size_t output_capacity_ = 0;
  int window_bits_;
  bool no_context_takeover_;
  bool begun_ = false;  // the message has had input
  bool ended_ = false;  // zlib stands behind a block with BFINAL
};

// What the output of a Deflater depends on, if it begins with an empty window.
struct DeflateParameters {
  int window_bits;
  int level;
  int mem_level;
  bool operator==(const DeflateParameters& other) const {
    return window_bits == other.window_bits && level == other.level && mem_level == other.mem_level;
  }
};

// Compresses the messages of one connection (RFC 7692 §7.2.1). Thread of the pool. A window of 8
// bits is asked from zlib as one of 9, which is all it has: as its matches keep 262 bytes away from
// the window's end, they never reach back more than 250 (a test holds it to that).
class Deflater {
 public:
  Deflater(DeflatePool& pool, int window_bits, bool no_context_takeover, int level, int mem_level)
      : pool_(pool),
        window_bits_(window_bits),
        level_(level),
        mem_level_(mem_level),
        no_context_takeover_(no_context_takeover) {}
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  struct Output {
    const uint8_t* data;
    size_t size;
  };
  // Compresses one frame's payload; last: the message ends with it. The output is valid until the
  // pool is used again. False without memory; the connection can send no more compressed messages
  // then.
  bool compress(const uint8_t* in, size_t n, bool last, Output* out);

  DeflateParameters parameters() const { return {window_bits_, level_, mem_level_}; }
  // Between messages: another message, which this has not compressed, goes to the peer's window. The next one begins
  // with an empty window, and so refers to nothing before it.
  void forget();

 private:
  DeflatePool& pool_;
  DeflateContextPtr context_;
  int window_bits_;
  int level_;
  int mem_level_;
  bool no_context_takeover_;
};

// The version of zlib that is linked, "1.2.13".
const char* linked_zlib_version();

}  // namespace vws
