#include "engine/ws/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/ws/close_codes.h"
#include "engine/ws/deflate.h"
#include "engine/ws/frame_writer.h"
#include "engine/ws/tuning.h"

namespace vws {

namespace {

// What JavaScript can address, and a machine can.
constexpr uint64_t kMostBytes =
    std::min<uint64_t>((uint64_t{1} << 53) - 1, static_cast<uint64_t>(SIZE_MAX / 4));
// An announced length up to this is allocated at once; beyond, memory is taken as the bytes arrive,
// lest a header alone cost the receiver gigabytes.
constexpr uint64_t kTrusted = sizeof(void*) >= 8 ? 16 * 1024 * 1024 : 1024 * 1024;
// A window smaller than this is not worth a system call of its own.
constexpr size_t kMinWindow = 2048;
// Compressed payload that is inflated at once: at most, and at least. A piece that becomes more than kMuchInflated
// makes the next one smaller. (A byte becomes 1032 bytes at most.)
constexpr size_t kMostInflatedAtOnce = 512;
constexpr size_t kLeastInflatedAtOnce = 64;
constexpr size_t kMuchInflated = 64 * 1024;
// Fragments of a message that bring nothing, at most, where fragments are not counted: what the others bring is
// bounded by the message's size, and keeping many costs no more than keeping one.
constexpr uint64_t kMostEmptyFragments = 16384;
// Compressed payload of a message of n bytes, at most kDeflateFactor * n + kDeflateSlack: what a sender needs that
// flushes after every byte. Blocks that inflate to nothing would be bounded by nothing else.
constexpr uint64_t kDeflateFactor = 8;
constexpr uint64_t kDeflateSlack = 64 * 1024;

uint8_t nothing[1] = {0};

size_t header_length(uint8_t second) {
  const uint8_t length = second & 0x7f;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + ((second & 0x80) != 0 ? 4u : 0u);
}

bool is_control(uint8_t opcode) { return opcode >= kClose; }

}  // namespace

FrameReader::FrameReader(MessageSink& sink, const ReaderOptions& options)
    : sink_(sink), options_(options) {}

FrameReader::~FrameReader() = default;

bool FrameReader::fail(uint16_t close_code, const char* code, std::string message) {
  failure_ = std::make_unique<Failure>(
      Failure{close_code, code, "Invalid WebSocket frame: " + std::move(message)});
  message_.reset();
  control_.reset();
  if (options_.inflater != nullptr) options_.inflater->reset();
  return false;
}

bool FrameReader::fail_utf8() {
  return fail(kCloseInvalidPayload, "WS_ERR_INVALID_UTF8", "invalid UTF-8 sequence");
}

// Of the current message; 0: no limit.
uint64_t FrameReader::most_bytes() const {
  const uint64_t most = options_.max_message;
  if (!text_ || options_.max_text == 0) return most;
  return most == 0 ? options_.max_text : std::min(most, options_.max_text);
}

bool FrameReader::fail_size() {
  return fail(kCloseTooBig, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
              "message larger than the limit of " + std::to_string(most_bytes()) + " bytes");
}

bool FrameReader::fail_memory() {
  return fail(kCloseTooBig, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
              "not enough memory for the message");
}

size_t FrameReader::feed(uint8_t* data, size_t n) {
  if (failed() || closed_) return 0;
  uint8_t* at = data;
  uint8_t* const end = data + n;
  bool go = !in_frame_ || take_payload(at, end);
  while (go && at != end) {
    // Most of the traffic of most connections; anything else goes the long way.
    if (header_size_ == 0 && !in_message_) {
      go = options_.expect_masked ? take_plain<true>(at, end) : take_plain<false>(at, end);
      if (!go || at == end) break;
    }
    go = take_header(at, end) && (!in_frame_ || take_payload(at, end));
  }
  if (in_message_ && compressed_ && !failed() && !options_.inflater->keep()) fail_memory();
  const size_t used = static_cast<size_t>(at - data);
  stats_.wire_bytes += used;
  return used;
}

// Whole, unfragmented, uncompressed data frames of less than 64 KiB one after the other.
template <bool kMasked>
bool FrameReader::take_plain(uint8_t*& at, uint8_t* end) {
  constexpr uint8_t kMaskBit = kMasked ? 0x80 : 0;
  constexpr size_t kKeySize = kMasked ? 4 : 0;
  uint8_t* p = at;
  const uint64_t longest = options_.max_message == 0 ? UINT64_MAX : options_.max_message;
  bool go = true;
  while (go && end - p >= 2) {
    const uint8_t first = p[0];
    if (first != (0x80 | kText) && first != (0x80 | kBinary)) break;
    uint8_t* payload = p + 2;
    // A wrong mask bit makes a size that is too large for the short form.
    size_t size = p[1] ^ kMaskBit;
    if (size > 125) {
      if (size != 126 || end - p < 4) break;
      size = static_cast<size_t>(p[2]) << 8 | p[3];
      payload = p + 4;
    }
    if (static_cast<size_t>(end - payload) < size + kKeySize || size > longest) break;
    if constexpr (kMasked) {
      MaskKey key;
      std::memcpy(key.data(), payload, key.size());
      payload += key.size();
      mask_copy(payload, payload, size, key, 0);
    }
    bool ascii = false;
    if (first == (0x80 | kText)) {
      if (options_.check_utf8) {
        const Utf8Class kind = classify_utf8(payload, size);
        if (kind == Utf8Class::kInvalid) {
          at = payload + size;
          return fail_utf8();
        }
        ascii = kind == Utf8Class::kAscii;
      } else {
        ascii = is_ascii(payload, size);
      }
    }
    p = payload + size;
    ++stats_.frames;
    ++stats_.messages;
    stats_.payload_bytes += size;
    frame_size_ = size;
    go = sink_.on_message(first == (0x80 | kText), ascii, payload, size);
  }
  at = p;
  return go;
}

bool FrameReader::take_header(uint8_t*& at, uint8_t* end) {
  const size_t available = static_cast<size_t>(end - at);
  if (header_size_ == 0 && available >= 2) {
    if (!check_head(at[0], at[1])) {
      at += 2;
      return false;
    }
    const size_t length = header_length(at[1]);
    if (available >= length) {
      const uint8_t* header = at;
      at += length;
      return begin_frame(header);
    }
  }
  // Cut: collect it.
  while (at != end) {
    header_[header_size_++] = *at++;
    if (header_size_ < 2) continue;
    if (header_size_ == 2 && !check_head(header_[0], header_[1])) return false;
    if (header_size_ == header_length(header_[1])) {
      header_size_ = 0;
      return begin_frame(header_);
    }
  }
  return true;
}

// What the first two bytes tell.
bool FrameReader::check_head(uint8_t first, uint8_t second) {
  const uint8_t opcode = first & 0x0f;
  const bool fin = (first & 0x80) != 0;
  const uint8_t length = second & 0x7f;
  if ((first & 0x30) != 0) {
    return fail(kCloseProtocolError, "WS_ERR_UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear");
  }
  const bool may_compress = options_.inflater != nullptr && (opcode == kText || opcode == kBinary);
  if ((first & 0x40) != 0 && !may_compress) {
    return fail(kCloseProtocolError, "WS_ERR_UNEXPECTED_RSV_1", "RSV1 must be clear");
  }
  const bool known = opcode <= kBinary || (opcode >= kClose && opcode <= kPong);
  // A message must be begun before it is continued, and ended before another begins.
  if (!known || (!is_control(opcode) && (opcode == kContinuation) != in_message_)) {
    return fail(kCloseProtocolError, "WS_ERR_INVALID_OPCODE",
                "invalid opcode " + std::to_string(opcode));
  }
  if (is_control(opcode)) {
    if (!fin) return fail(kCloseProtocolError, "WS_ERR_EXPECTED_FIN", "FIN must be set");
    if (length > kMaxControlPayload || (opcode == kClose && length == 1)) {
      return fail(kCloseProtocolError, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
                  "invalid payload length " + std::to_string(length) + " of a control frame");
    }
  }
  if (options_.expect_masked != ((second & 0x80) != 0)) {
    return options_.expect_masked
               ? fail(kCloseProtocolError, "WS_ERR_EXPECTED_MASK", "MASK must be set")
               : fail(kCloseProtocolError, "WS_ERR_UNEXPECTED_MASK", "MASK must be clear");
  }
  return true;
}

// A complete header, whose first two bytes have been checked. A length in a longer form than it
// needs is accepted: §5.2 forbids it to senders, asks nothing of receivers, and some senders do it.
bool FrameReader::begin_frame(const uint8_t* header) {
  opcode_ = header[0] & 0x0f;
  fin_ = (header[0] & 0x80) != 0;
  masked_ = (header[1] & 0x80) != 0;
  const uint8_t* p = header + 2;
  uint64_t size = header[1] & 0x7f;
  if (size == 126) {
    size = static_cast<uint64_t>(p[0]) << 8 | p[1];
    p += 2;
  } else if (size == 127) {
    size = 0;
    for (int i = 0; i < 8; ++i) size = size << 8 | p[i];
    p += 8;
  }
  if (masked_) std::memcpy(key_.data(), p, 4);
  frame_size_ = size;
  remaining_ = size;
  in_frame_ = true;
  if (is_control(opcode_)) return true;

  if (size > kMostBytes) {
    return fail(kCloseTooBig, "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
                "payload length " + std::to_string(size) + " is more than can be received");
  }
  if (!in_message_) {
    in_message_ = true;
    text_ = opcode_ == kText;
    compressed_ = (header[0] & 0x40) != 0;
    fragments_ = 0;
    empty_fragments_ = 0;
    deflated_ = 0;
    held_ = 0;
    checked_ = 0;
    utf8_.reset();
    unchecked_ascii_ = true;
  }
  ++fragments_;
  if (options_.max_fragments != 0 && fragments_ > options_.max_fragments) {
    return fail(kClosePolicyViolation, "WS_ERR_TOO_MANY_BUFFERED_PARTS",
                "more than " + std::to_string(options_.max_fragments) + " fragments in a message");
  }
  const uint64_t most = most_bytes();
  if (compressed_) {
    deflated_ += size;
    if (most != 0 && deflated_ > most * kDeflateFactor + kDeflateSlack) return fail_size();
  } else {
    const uint64_t total = message_.size() + size;
    if (most != 0 && total > most) return fail_size();
    if (total > kMostBytes) return fail_memory();
  }
  return true;
}

// The next n bytes of the frame's payload; nothing if they came unmasked.
void FrameReader::unmask(uint8_t* data, size_t n) const {
  if (masked_) mask_copy(data, data, n, key_, static_cast<size_t>(frame_size_ - remaining_));
}

bool FrameReader::take_payload(uint8_t*& at, uint8_t* end) {
  const size_t n =
      static_cast<size_t>(std::min<uint64_t>(static_cast<size_t>(end - at), remaining_));
  if (compressed_ && !is_control(opcode_)) return take_compressed(at, n);
  uint8_t* data = n != 0 ? at : nothing;
  at += n;
  if (!is_control(opcode_)) {
    const bool whole = n == frame_size_ && fin_ && fragments_ == 1;
    if (!whole) return take_part(data, n);
    unmask(data, n);
    return take_whole(data);
  }
  unmask(data, n);
  if (n == frame_size_) {
    remaining_ = 0;
    return end_control(data);
  }
  if (!control_) {
    control_ = BlockPool::shared().take(kMaxControlPayload);
    if (!control_) return fail_memory();
  }
  const size_t before = control_.size();
  std::memcpy(control_.data() + before, data, n);
  control_.set_size(before + n);
  remaining_ -= n;
  if (remaining_ != 0) return true;
  const Block whole = std::move(control_);
  return end_control(whole.data());
}

bool FrameReader::end_control(const uint8_t* data) {
  in_frame_ = false;
  ++stats_.frames;
  const size_t n = static_cast<size_t>(frame_size_);
  if (opcode_ == kPing) return sink_.on_ping(data, n);
  if (opcode_ == kPong) return sink_.on_pong(data, n);
  return end_close(data);
}

bool FrameReader::end_close(const uint8_t* data) {
  const size_t n = static_cast<size_t>(frame_size_);
  uint16_t code = kCloseNoStatus;
  if (n != 0) {
    code = static_cast<uint16_t>(data[0] << 8 | data[1]);
    if (!valid_close_code(code)) {
      return fail(kCloseProtocolError, "WS_ERR_INVALID_CLOSE_CODE",
                  "invalid status code " + std::to_string(code));
    }
    if (options_.check_utf8 && classify_utf8(data + 2, n - 2) == Utf8Class::kInvalid)
      return fail_utf8();
  }
  closed_ = true;
  message_.reset();
  if (options_.inflater != nullptr) options_.inflater->reset();
  in_message_ = false;
  sink_.on_close(n != 0, code, n != 0 ? data + 2 : data, n != 0 ? n - 2 : 0);
  return false;
}

// The next bytes of a message that arrives in parts.
bool FrameReader::check_text(const uint8_t* data, size_t n) {
  if (!text_) return true;
  if (options_.check_utf8) return utf8_.feed(data, n) || fail_utf8();
  unchecked_ascii_ = unchecked_ascii_ && is_ascii(data, n);
  return true;
}

bool FrameReader::all_ascii() const {
  return text_ && (options_.check_utf8 ? utf8_.ascii() : unchecked_ascii_);
}

// An unfragmented, uncompressed message, all of which is here, unmasked.
bool FrameReader::take_whole(const uint8_t* data) {
  const size_t n = static_cast<size_t>(frame_size_);
  if (!check_text(data, n)) return false;
  remaining_ = 0;
  return end_data_frame(data, n);
}

// Room for at least that many more bytes of the message, and for more where more is sure to come.
bool FrameReader::make_room(size_t at_least) {
  const size_t size = message_.size();
  const size_t needed = size + at_least;
  if (message_.capacity() >= needed) return true;
  const uint64_t total = size + remaining_;
  uint64_t wanted = total;
  if (total > kTrusted) {
    wanted = std::min(total, std::max<uint64_t>({kTrusted + 1, uint64_t{size} * 2, needed}));
  } else if (!fin_ || size != 0) {
    // Many fragments must not mean many copies.
    wanted = std::max<uint64_t>(total, uint64_t{size} * 2);
  }
  // Nor long ones: what is large already, and not the end of it, begins in memory that grows without.
  if (!fin_ && wanted > BlockPool::kMostCopied) wanted = std::max(wanted, BlockPool::kMapped);
  return BlockPool::shared().grow(message_, static_cast<size_t>(std::max<uint64_t>(wanted, 64))) ||
         fail_memory();
}

// Some payload of a message that must be assembled.
bool FrameReader::take_part(const uint8_t* data, size_t n) {
  if (n == 0) return appended(0);
  if (!make_room(n)) return false;
  uint8_t* to = message_.data() + message_.size();
  if (masked_) {
    mask_copy(to, data, n, key_, static_cast<size_t>(frame_size_ - remaining_));
  } else {
    std::memcpy(to, data, n);
  }
  return appended(n);
}

// n bytes of payload, unmasked, have been put at the end of the message.
bool FrameReader::appended(size_t n) {
  const size_t before = message_.size();
  message_.set_size(before + n);
  remaining_ -= n;
  if (n != 0 && !check_text(message_.data() + before, n)) return false;
  if (remaining_ != 0) return true;
  return end_data_frame(nullptr, 0);
}

FrameReader::Window FrameReader::direct_window() {
  Window window;
  if (!in_frame_ || failed() || closed_ || is_control(opcode_) || compressed_ ||
      remaining_ < kMinWindow || !tuning().direct) {
    return window;
  }
  if (message_.capacity() - message_.size() < std::min<uint64_t>(remaining_, kMinWindow) &&
      !make_room(kMinWindow)) {
    return window;
  }
  window.data = message_.data() + message_.size();
  window.size =
      static_cast<size_t>(std::min<uint64_t>(message_.capacity() - message_.size(), remaining_));
  return window;
}

bool FrameReader::commit(size_t n) {
  stats_.wire_bytes += n;
  unmask(message_.data() + message_.size(), n);
  return appended(n);
}

// In pieces, after each of which the sink may want to stop. They are smaller where much comes out of them, lest one of
// them alone hold up the turn.
bool FrameReader::take_compressed(uint8_t*& at, size_t n) {
  for (;;) {
    const size_t piece = std::min(n, inflate_at_once_);
    uint8_t* data = piece != 0 ? at : nothing;
    unmask(data, piece);
    at += piece;
    n -= piece;
    stats_.deflated_bytes += piece;
    remaining_ -= piece;
    const size_t before = checked_;
    if (!inflate(data, piece)) return false;
    if (remaining_ == 0) return true;
    const size_t inflated = checked_ - before;
    inflate_at_once_ = inflated > kMuchInflated
                           ? std::max(inflate_at_once_ / 2, kLeastInflatedAtOnce)
                           : std::min(inflate_at_once_ * 2, kMostInflatedAtOnce);
    if (!sink_.on_inflated(inflated)) return false;
    if (n == 0) return true;
  }
}

bool FrameReader::inflate(const uint8_t* data, size_t n) {
  Inflater& inflater = *options_.inflater;
  const Inflater::Status status = inflater.feed(data, n, fin_ && remaining_ == 0, most_bytes());
  // Text is judged first: what came before an error must not depend on how the bytes were cut.
  const size_t size = inflater.output_size();
  if (size != checked_ && !check_text(inflater.output() + checked_, size - checked_)) return false;
  checked_ = size;
  switch (status) {
    case Inflater::Status::kOk:
      break;
    case Inflater::Status::kTooLarge:
      return fail_size();
    case Inflater::Status::kNoMemory:
      return fail_memory();
    case Inflater::Status::kCorrupt:
      return fail(kCloseInvalidPayload, "WS_ERR_INVALID_COMPRESSED_DATA",
                  "compressed data is corrupt or incomplete");
  }
  return remaining_ != 0 || end_data_frame(nullptr, 0);
}

// A data frame is complete, and with FIN its message, which lies at whole, in message_ or in the
// inflater. All of it has been through check_text().
bool FrameReader::end_data_frame(const uint8_t* whole, size_t n) {
  in_frame_ = false;
  ++stats_.frames;
  if (!fin_) return end_fragment();
  if (text_ && options_.check_utf8 && !utf8_.complete()) return fail_utf8();
  in_message_ = false;
  if (compressed_) return deliver_inflated();
  if (whole != nullptr) return deliver(whole, n);
  BlockPool::shared().fit(message_);
  return deliver_block(std::move(message_));
}

bool FrameReader::end_fragment() {
  const size_t held = compressed_ ? options_.inflater->output_size() : message_.size();
  if (std::exchange(held_, held) != held) return true;
  if (options_.max_fragments != 0 || ++empty_fragments_ <= kMostEmptyFragments) return true;
  return fail(kClosePolicyViolation, "WS_ERR_TOO_MANY_BUFFERED_PARTS",
              "more than " + std::to_string(kMostEmptyFragments) + " empty fragments in a message");
}

bool FrameReader::deliver(const uint8_t* data, size_t n) {
  ++stats_.messages;
  stats_.payload_bytes += n;
  return sink_.on_message(text_, all_ascii(), n != 0 ? data : nothing, n);
}

bool FrameReader::deliver_block(Block block) {
  if (block.size() < options_.large_threshold) return deliver(block.data(), block.size());
  ++stats_.messages;
  stats_.payload_bytes += block.size();
  return sink_.on_large_message(text_, all_ascii(), std::move(block));
}

bool FrameReader::deliver_inflated() {
  Inflater& inflater = *options_.inflater;
  const size_t n = inflater.output_size();
  stats_.inflated_bytes += n;
  bool go;
  if (n < options_.large_threshold || inflater.in_scratch()) {
    go = deliver(inflater.output(), n);
  } else {
    go = deliver_block(inflater.take_output());
  }
  inflater.end_message();
  return go;
}

}  // namespace vws
