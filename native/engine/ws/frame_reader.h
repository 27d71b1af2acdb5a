#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/ws/block_pool.h"
#include "engine/ws/mask.h"
#include "engine/ws/utf8.h"

namespace vws {

class Inflater;

struct ReaderOptions {
  bool expect_masked = false;  // true on the server's side
  Inflater* inflater =
      nullptr;  // permessage-deflate is in force: RSV1 is allowed on data; must outlive the reader
  uint64_t max_message = 0;    // bytes of a message, inflated; 0: no limit
  uint64_t max_text = 0;       // likewise, of text messages; the smaller one holds
  uint64_t max_fragments = 0;  // frames of a message; 0: only those that bring nothing are counted
  bool check_utf8 = true;      // of text messages and the reasons of Close frames
  size_t large_threshold = 16 * 1024;  // from which an assembled message is handed over as a block
};

// Receives what a FrameReader finds, in the order of the wire. Each returns false to pause the
// reader after this event. It must neither feed nor destroy the reader meanwhile.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // A whole message; the bytes are valid during the call only. ascii: text that is all ASCII.
  virtual bool on_message(bool text, bool ascii, const uint8_t* data, size_t n) = 0;
  // The same for a message that has a block of its own, of block.size() bytes.
  virtual bool on_large_message(bool text, bool ascii, Block block) = 0;
  virtual bool on_ping(const uint8_t* data, size_t n) = 0;
  virtual bool on_pong(const uint8_t* data, size_t n) = 0;
  // So many bytes more of a compressed message have been inflated, and there is more of it. A few bytes can become very
  // many.
  virtual bool on_inflated(size_t n) = 0;
  // has_code false: the frame was empty (report 1005).
  virtual bool on_close(bool has_code, uint16_t code, const uint8_t* reason, size_t n) = 0;
};

// Why the peer's bytes cannot be accepted.
struct Failure {
  uint16_t close_code;  // for our Close frame
  const char* code;     // stable, "WS_ERR_..."
  std::string message;
};

struct ReaderStats {
  uint64_t frames = 0;  // of every kind, complete
  uint64_t messages = 0;
  uint64_t payload_bytes = 0;   // of messages, as delivered
  uint64_t wire_bytes = 0;      // consumed, heads included
  uint64_t deflated_bytes = 0;  // compressed payload, and
  uint64_t inflated_bytes = 0;  // what it became
};

// Parses one connection's frames (RFC 6455 §5), in either role, however the bytes are cut. Messages
// that lie whole in the bytes fed are delivered where they are; others are assembled in a block.
// Belongs to one thread.
class FrameReader {
 public:
  FrameReader(MessageSink& sink, const ReaderOptions& options);
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // Takes bytes from the wire; masked payload is unmasked where it lies. Returns how many were used:
  // less than n only when the sink paused (feed the rest later), failed() or closed(). A frame ends
  // with the event it causes, so a paused reader begins with the next frame, or goes on inside a compressed one.
  size_t feed(uint8_t* data, size_t n);

  // Where the next bytes from the wire may be received to instead of being fed: the rest of the
  // current frame's payload, if it goes into a block and is worth it. size 0: nowhere. Valid until
  // the next call of feed() or commit(). A scatter read into the window and a common buffer behind
  // it takes both.
  struct Window {
    uint8_t* data = nullptr;
    size_t size = 0;
  };
  Window direct_window();
  // Whether the next frame is perhaps worth a window, as the last one was: then little more than its header should be
  // read elsewhere.
  bool expects_window() const { return frame_size_ >= kMuch && !compressed_; }
  // n bytes were received into the window (at most its size). False: the sink paused, or failed().
  bool commit(size_t n);

  // The peer broke the protocol, or a limit. Everything before was delivered; nothing will be any
  // more.
  bool failed() const { return failure_ != nullptr; }
  const Failure& failure() const { return *failure_; }  // only if failed()
  // A Close frame was delivered: whatever follows is ignored.
  bool closed() const { return closed_; }
  // Whether a frame or a fragmented message has begun and not ended: has TCP's end cut something?
  bool mid_message() const { return in_message_ || in_frame_ || header_size_ != 0; }

  const ReaderStats& stats() const { return stats_; }
  const ReaderOptions& options() const { return options_; }

 private:
  static constexpr uint64_t kMuch = 32 * 1024;  // payload, in bytes

  // Each takes what it can from the front of [at, end). False: stop (paused, failed or closed).
  template <bool kMasked>
  bool take_plain(uint8_t*& at, uint8_t* end);
  bool take_header(uint8_t*& at, uint8_t* end);
  bool take_payload(uint8_t*& at, uint8_t* end);

  bool check_head(uint8_t first, uint8_t second);
  bool begin_frame(const uint8_t* header);
  bool end_control(const uint8_t* data);
  bool end_close(const uint8_t* data);

  bool take_whole(const uint8_t* data);
  bool take_part(const uint8_t* data, size_t n);
  void unmask(uint8_t* data, size_t n) const;
  bool make_room(size_t at_least);
  bool appended(size_t n);
  bool take_compressed(uint8_t*& at, size_t n);
  bool inflate(const uint8_t* data, size_t n);
  bool check_text(const uint8_t* data, size_t n);
  bool all_ascii() const;
  bool end_data_frame(const uint8_t* whole, size_t n);
  bool end_fragment();
  bool deliver(const uint8_t* data, size_t n);
  bool deliver_block(Block block);
  bool deliver_inflated();

  bool fail(uint16_t close_code, const char* code, std::string message);
  bool fail_utf8();
  uint64_t most_bytes() const;
  bool fail_size();
  bool fail_memory();

  MessageSink& sink_;
  const ReaderOptions options_;
  std::unique_ptr<Failure> failure_;
  ReaderStats stats_;

  // The current frame.
  uint64_t remaining_ = 0;   // payload not yet taken
  uint64_t frame_size_ = 0;  // its payload
  MaskKey key_{};
  uint8_t opcode_ = 0;
  bool fin_ = false;
  bool masked_ = false;
  bool in_frame_ = false;  // its header has been taken

  // The current message.
  bool in_message_ = false;
  bool text_ = false;
  bool compressed_ = false;
  bool closed_ = false;
  bool unchecked_ascii_ = true;  // instead of utf8_, if text is not checked
  Utf8Validator utf8_;
  uint64_t fragments_ = 0;
  uint64_t empty_fragments_ = 0;
  uint64_t deflated_ = 0;         // its compressed payload, as announced so far
  size_t held_ = 0;               // of it, at the end of the last fragment
  size_t checked_ = 0;            // of the inflated output, by utf8_
  size_t inflate_at_once_ = 256;  // compressed payload: the next piece of it
  Block message_;                 // what has been assembled of it
  Block control_;                 // what has been assembled of a control frame

  uint8_t header_size_ = 0;  // a header that was cut
  uint8_t header_[14];
};

}  // namespace vws
