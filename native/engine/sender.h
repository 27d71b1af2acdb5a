#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/ws/chunk_queue.h"
#include "engine/ws/frame_writer.h"
#include "engine/ws/random_pool.h"

namespace vws {

class Publication;

enum class SendResult : int {
  kOk = 0,
  kFull = 1,
  kLimit = -1,
  kClosed = -2,
  kInvalidUtf8 = -3,
  kNoMemory = -4,
};

// What the producer and the service tell each other about one connection's outbound side.
struct Progress {
  // Payload bytes handed to the system since the beginning. Written by the service.
  std::atomic<uint64_t> written{0};
  // Frames, likewise.
  std::atomic<uint64_t> frames_written{0};
  // The producer went over its high-water mark: it wants to know when so many frames, all that it had queued then, are
  // written. Of some of them the service may not know yet. 0: it does not. The producer sets it, and the service, when
  // it tells, sets it to 0, unless it has changed meanwhile.
  std::atomic<uint64_t> drained_at{0};
  // Payload bytes of publications that wait. Written by the service.
  std::atomic<uint64_t> published{0};
  // The connection has ended, and the service touches none of its counters any more.
  std::atomic<bool> ended{false};
};

// Whether a message is compressed, if that was negotiated.
enum class Compress : uint8_t { kByThreshold, kAlways, kNever };

// A message on its way to the service that is not framed yet. Its payload follows in the same chunk.
struct RawMessage {
  uint32_t size;
  uint8_t opcode;
  bool fin;
  Compress compress;
  bool masked;
  bool prepared = false;  // its payload is the next of Outbound::prepared, and does not follow
};

// What was sent since the last hand-over.
struct Outbound {
  explicit Outbound(ChunkCache& cache) : raw(cache), framed(cache) {}
  ChunkQueue raw;     // RawMessage and payload, one after the other; goes before framed
  ChunkQueue framed;  // frames, ready for the socket
  std::vector<std::shared_ptr<Publication>> prepared;  // what raw names, in order
  uint64_t payload = 0;                                // bytes of payload in framed
  uint64_t frames = 0;                                 // in framed
  uint64_t messages = 0;                               // ended by those
  std::optional<bool> ends_open;  // whether the last fragment in framed leaves its message open
  bool empty() const { return raw.empty() && framed.empty(); }
};

struct SendOptions {
  uint8_t opcode = kBinary;
  bool fin = true;
  Compress compress = Compress::kByThreshold;
  bool masked = true;
};

// The producer's end of one connection's outbound queue: copies each message once, and, where nothing is
// left to be decided about it (the connection is open and does not compress), frames and masks it on
// the way. Belongs to one thread.
class Sender {
 public:
  struct Limits {
    uint64_t limit = 64 * 1024 * 1024;  // bytes held, at most
    uint64_t high_water = 1024 * 1024;  // from which kFull is answered
  };
  // What a frame holds besides its payload: its header, and its place in the queue (WireQueue::Mark). So much of that
  // does not count, so that a small limit is one of payload.
  static constexpr uint64_t kFrameCost = 32;
  static constexpr uint64_t kFreeCost = 64 * 1024;
  static constexpr size_t kMaxMessage = 0x40000000;  // 1 GiB

  // masks: whether this side masks its frames; then each message may still go without.
  Sender(ChunkCache& cache, MaskKeySource& keys, std::shared_ptr<Progress> progress, Limits limits,
         bool masks = true);

  // A message whose payload is written in place: at most bound bytes, likely so many. Null with *refused
  // set if it cannot be taken. end() completes it.
  uint8_t* begin(size_t bound, size_t likely, SendOptions options, SendResult* refused);
  SendResult end(size_t n);
  // A message from memory.
  SendResult send(const uint8_t* data, size_t n, SendOptions options);
  // A message that was framed before, and others get, too. Where this side masks, it is sent as one from memory.
  SendResult send(const std::shared_ptr<Publication>& message);

  // Established: whether frames can be made here, or the service compresses.
  void established(bool frames_here) { frames_here_ = frames_here; }
  // Nothing more can be sent.
  void shut() { shut_ = true; }
  bool is_shut() const { return shut_; }

  uint64_t queued() const { return queued_; }  // payload bytes, since the beginning
  uint64_t buffered() const { return queued_ - progress_->written.load(std::memory_order_relaxed); }
  // Of what was published to the connection, likewise.
  uint64_t published() const { return progress_->published.load(std::memory_order_relaxed); }
  // Bytes that the queue takes, of which the payload may be the least: what the limits are about.
  uint64_t held() const {
    const uint64_t frames =
        frames_queued_ - progress_->frames_written.load(std::memory_order_relaxed);
    const uint64_t cost = kFrameCost * frames;
    return buffered() + (cost > kFreeCost ? cost - kFreeCost : 0);
  }
  size_t staged() const { return staged_ ? staged_->raw.size() + staged_->framed.size() : 0; }
  // What was sent since the last call; null if nothing.
  std::unique_ptr<Outbound> take();

  // Kept by whoever collects the senders of a burst.
  bool listed = false;

 private:
  Outbound& stage();
  bool fits(size_t n) const { return held() + n <= limits_.limit; }
  SendResult account(size_t n);
  void count_frame(size_t n, const SendOptions& options);

  ChunkCache& cache_;
  MaskKeySource& keys_;
  std::shared_ptr<Progress> progress_;
  Limits limits_;
  bool masks_;
  std::unique_ptr<Outbound> staged_;  // null: nothing
  uint64_t queued_ = 0;
  uint64_t frames_queued_ = 0;
  bool frames_here_ = false;
  bool shut_ = false;

  // Between begin() and end().
  SendOptions options_;
  FrameSlot slot_;
  uint8_t* raw_ = nullptr;
};

}  // namespace vws
