#include "engine/ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

namespace vws {

namespace {

constexpr uint8_t kTail[4] = {0x00, 0x00, 0xff, 0xff};
// An empty stored block without its tail: the compressed form of no bytes.
constexpr uint8_t kEmptyMessage[1] = {0x00};

// zlib's raw streams know no window of 8 bits.
int zlib_bits(int window_bits) { return -std::max(window_bits, 9); }

uInt clipped(size_t n) { return static_cast<uInt>(std::min<size_t>(n, UINT_MAX / 2)); }

// zlib does not write to its input, but old versions do not say so.
Bytef* input(const uint8_t* data) { return const_cast<Bytef*>(data); }

}  // namespace

class InflateContext {
 public:
  explicit InflateContext(int window_bits) : window_bits(window_bits) {
    ok = inflateInit2(&stream, zlib_bits(window_bits)) == Z_OK;
  }
  ~InflateContext() {
    if (ok) inflateEnd(&stream);
  }
  InflateContext(const InflateContext&) = delete;
  InflateContext& operator=(const InflateContext&) = delete;

  z_stream stream{};
  const int window_bits;
  bool ok;
};

class DeflateContext {
 public:
  DeflateContext(int window_bits, int level, int mem_level)
      : window_bits(window_bits), level(level), mem_level(mem_level) {
    ok = deflateInit2(&stream, level, Z_DEFLATED, zlib_bits(window_bits), mem_level,
                      Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~DeflateContext() {
    if (ok) deflateEnd(&stream);
  }
  DeflateContext(const DeflateContext&) = delete;
  DeflateContext& operator=(const DeflateContext&) = delete;

  z_stream stream{};
  const int window_bits;
  const int level;
  const int mem_level;
  bool ok;
};

void InflateContextDeleter::operator()(InflateContext* context) const { delete context; }
void DeflateContextDeleter::operator()(DeflateContext* context) const { delete context; }

DeflatePool::DeflatePool() = default;
DeflatePool::~DeflatePool() = default;

void DeflatePool::trim() {
  inflate_idle_.clear();
  deflate_idle_.clear();
  inflate_scratch_.reset();
  deflate_scratch_.reset();
}

void DeflatePool::trim_idle() {
  if (!std::exchange(used_, false)) trim();
}

bool DeflatePool::bulky() const {
  constexpr size_t kQuietContexts = 2;
  return inflate_idle_.size() + deflate_idle_.size() > kQuietContexts ||
         inflate_scratch_.capacity() + deflate_scratch_.capacity() > 2 * kScratch;
}

InflateContextPtr DeflatePool::take_inflate(int window_bits) {
  used_ = true;
  for (auto it = inflate_idle_.rbegin(); it != inflate_idle_.rend(); ++it) {
    if ((*it)->window_bits != window_bits) continue;
    InflateContextPtr context = std::move(*it);
    inflate_idle_.erase(std::next(it).base());
    return context;
  }
  InflateContextPtr context(new InflateContext(window_bits));
  if (!context->ok) context.reset();
  return context;
}

void DeflatePool::give_back(InflateContextPtr context) {
  if (inflateReset(&context->stream) != Z_OK) return;
  if (inflate_idle_.size() == kMaxIdle) inflate_idle_.erase(inflate_idle_.begin());
  inflate_idle_.push_back(std::move(context));
}

DeflateContextPtr DeflatePool::take_deflate(int window_bits, int level, int mem_level) {
  used_ = true;
  for (auto it = deflate_idle_.rbegin(); it != deflate_idle_.rend(); ++it) {
    const DeflateContext& idle = **it;
    if (idle.window_bits != window_bits || idle.level != level || idle.mem_level != mem_level) {
      continue;
    }
    DeflateContextPtr context = std::move(*it);
    deflate_idle_.erase(std::next(it).base());
    return context;
  }
  DeflateContextPtr context(new DeflateContext(window_bits, level, mem_level));
  if (!context->ok) context.reset();
  return context;
}

void DeflatePool::give_back(DeflateContextPtr context) {
  if (deflateReset(&context->stream) != Z_OK) return;
  if (deflate_idle_.size() == kMaxIdle) deflate_idle_.erase(deflate_idle_.begin());
  deflate_idle_.push_back(std::move(context));
}

Inflater::~Inflater() { reset(); }

// Room for output: the pool's scratch memory first, then a block that doubles.
bool Inflater::make_room() {
  if (output_ == nullptr) {
    if (!pool_.inflate_scratch_) {
      pool_.inflate_scratch_ = BlockPool::shared().take(DeflatePool::kScratch);
      if (!pool_.inflate_scratch_) return false;
    }
    output_ = pool_.inflate_scratch_.data();
    output_capacity_ = pool_.inflate_scratch_.capacity();
    return true;
  }
  if (!own_) {
    Block block = BlockPool::shared().take(output_capacity_ * 2);
    if (!block) return false;
    std::memcpy(block.data(), output_, output_size_);
    own_ = std::move(block);
  } else {
    own_.set_size(output_size_);
    if (!BlockPool::shared().grow(own_, own_.capacity() * 2)) return false;
  }
  output_ = own_.data();
  output_capacity_ = own_.capacity();
  return true;
}

bool Inflater::keep() {
  if (!in_scratch()) return true;
  if (output_size_ == 0) {
    output_ = nullptr;
    output_capacity_ = 0;
    return true;
  }
  Block block = BlockPool::shared().take(std::max<size_t>(output_size_, 512) * 2);
  if (!block) return false;
  if (output_size_ != 0) std::memcpy(block.data(), output_, output_size_);
  own_ = std::move(block);
  output_ = own_.data();
  output_capacity_ = own_.capacity();
  return true;
}

Block Inflater::take_output() {
  if (!keep()) return Block();
  Block block = std::move(own_);
  block.set_size(output_size_);
  BlockPool::shared().fit(block);
  output_ = nullptr;
  output_size_ = 0;
  output_capacity_ = 0;
  return block;
}

void Inflater::end_message() {
  own_.reset();
  output_ = nullptr;
  output_size_ = 0;
  output_capacity_ = 0;
  begun_ = false;
  if (no_context_takeover_) drop_context();
}

void Inflater::drop_context() {
  ended_ = false;
  if (context_) pool_.give_back(std::move(context_));
}

void Inflater::reset() {
  drop_context();
  end_message();
}

Inflater::Status Inflater::feed(const uint8_t* in, size_t n, bool last, uint64_t max_size) {
  if (n != 0) {
    begun_ = true;
    if (!context_) {
      context_ = pool_.take_inflate(window_bits_);
      if (!context_) return Status::kNoMemory;
    }
    const Status status = run(in, n, max_size);
    if (status != Status::kOk) return status;
  }
  return last && begun_ ? finish(max_size) : Status::kOk;
}

// Everything that in yields. One byte more than max_size is let through, to see that there is more.
Inflater::Status Inflater::run(const uint8_t* in, size_t n, uint64_t max_size) {
  z_stream& stream = context_->stream;
  const uint64_t most = max_size == 0 || max_size >= SIZE_MAX ? SIZE_MAX : max_size + 1;
  bool full = false;  // output may be waiting inside zlib
  while (n > 0 || full) {
    if (ended_) {
      // More blocks after one with BFINAL: zlib must be started again, but keep its window. (Taking
      // the window out and putting it back would let a peer have 64 KiB copied for two bytes.)
      if (inflateResetKeep(&stream) != Z_OK) return Status::kCorrupt;
      ended_ = false;
    }
    if (output_size_ == output_capacity_ && !make_room()) return Status::kNoMemory;
    const uInt room =
        clipped(static_cast<size_t>(std::min<uint64_t>(output_capacity_, most) - output_size_));
    const uInt given = clipped(n);
    stream.next_in = input(in);
    stream.avail_in = given;
    stream.next_out = output_ + output_size_;
    stream.avail_out = room;
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    const size_t used = given - stream.avail_in;
    in += used;
    n -= used;
    output_size_ += room - stream.avail_out;
    full = stream.avail_out == 0;
    if (output_size_ >= most) {
      output_size_ = static_cast<size_t>(max_size);
      return Status::kTooLarge;
    }
    if (result == Z_STREAM_END) {
      ended_ = true;
      full = false;
    } else if (result == Z_MEM_ERROR) {
      return Status::kNoMemory;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Status::kCorrupt;
    }
  }
  return Status::kOk;
}

Inflater::Status Inflater::finish(uint64_t max_size) {
  if (ended_) {
    return Status::kOk;  // by a block with BFINAL, and nothing followed
  }
  // The sender took the end off an empty stored block, so that zlib must be waiting for just that.
  if (inflateSyncPoint(&context_->stream) != 1) return Status::kCorrupt;
  return run(kTail, sizeof kTail, max_size);
}

Deflater::~Deflater() {
  if (context_) pool_.give_back(std::move(context_));
}

bool Deflater::compress(const uint8_t* in, size_t n, bool last, Output* out) {
  if (n == 0) {
    // zlib emits nothing for a flush without input. What went before ended at a byte's end.
    *out = {kEmptyMessage, last ? sizeof kEmptyMessage : 0};
    if (last && no_context_takeover_ && context_) pool_.give_back(std::move(context_));
    return true;
  }
  if (!context_) {
    context_ = pool_.take_deflate(window_bits_, level_, mem_level_);
    if (!context_) return false;
  }
  z_stream& stream = context_->stream;
  Block& scratch = pool_.deflate_scratch_;
  scratch.set_size(0);
  if (scratch.capacity() > DeflatePool::kMaxScratch) scratch.reset();
  size_t size = 0;
  do {
    // Enough for almost anything at the first go; incompressible input may need a second.
    if (scratch.capacity() - size < 64) {
      scratch.set_size(size);
      const size_t wanted =
          std::max(DeflatePool::kScratch, std::max(n + n / 1000 + 128, scratch.capacity() * 2));
      if (!BlockPool::shared().grow(scratch, wanted)) return false;
    }
    const uInt given = clipped(n);
    const uInt room = clipped(scratch.capacity() - size);
    stream.next_in = input(in);
    stream.avail_in = given;
    stream.next_out = scratch.data() + size;
    stream.avail_out = room;
    const int result = deflate(&stream, given == n ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR) return false;
    const size_t used = given - stream.avail_in;
    in += used;
    n -= used;
    size += room - stream.avail_out;
  } while (n > 0 || stream.avail_out == 0);
  if (last) {
    size -= sizeof kTail;
    if (no_context_takeover_) pool_.give_back(std::move(context_));
  }
  *out = {scratch.data(), size};
  return true;
}

void Deflater::forget() {
  if (context_) pool_.give_back(std::move(context_));
}

const char* linked_zlib_version() { return zlibVersion(); }

}  // namespace vws
