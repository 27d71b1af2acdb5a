#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/os/iovec.h"
#include "engine/ws/chunk_queue.h"
#include "engine/ws/frame_writer.h"
#include "engine/ws/mask.h"

namespace vws {

// A connection's way out: whole frames in the order in which the socket gets them, how far it has got, and how much
// payload that is. Frames are appended at the end, except control frames that should not wait behind everything
// queued (answers to pings, the heartbeat's pings): those go in at the next boundary between two frames, which
// RFC 6455 §5.4 allows even inside a fragmented message. Belongs to one thread.
//
// Positions are bytes since the beginning, of all frames.
class WireQueue {
 public:
  explicit WireQueue(ChunkCache& cache) : bytes_(cache) {}

  bool empty() const { return bytes_.empty(); }
  uint64_t written() const { return written_; }
  // Payload bytes of the frames appended, and of those that are written as a whole.
  uint64_t payload_queued() const { return payload_queued_; }
  uint64_t payload_written() const { return payload_written_; }
  // Such frames, and those that are written.
  uint64_t frames_queued() const { return frames_queued_; }
  uint64_t frames_written() const { return frames_written_; }
  // Bytes of inserted frames that are not written yet.
  uint64_t inserted_waiting() const;
  // All bytes that are not written yet.
  size_t waiting() const { return bytes_.size(); }
  // Frames of publications that are not written as a whole yet, and their payload: they count for none of the above.
  uint64_t published_written() const { return published_written_; }
  uint64_t published_waiting() const { return published_queued_ - published_written_; }
  uint64_t publications_waiting() const { return publications_queued_ - publications_written_; }

  // Bytes that are no frame: the answer to a handshake. Only before anything else. False without memory.
  bool begin_with(const std::string& bytes);
  // A burst of whole frames, so many with so much payload; bytes is left empty.
  void append(ChunkQueue& bytes, uint64_t payload, uint64_t frames);
  // A frame that counts for so much payload, which may differ from n if it was compressed. False without memory.
  bool append(FrameHead head, const uint8_t* data, size_t n, const MaskKey* key, uint64_t payload);
  // A frame that others have, too, with so much payload; counted as one of our own, or as a publication. False without
  // memory.
  bool append(const SharedBytes& frame, uint64_t payload);
  bool append_published(const SharedBytes& frame, uint64_t payload);
  // The last frame: nothing may be appended behind it. False without memory.
  bool append_close(uint16_t code, const uint8_t* reason, size_t n, const MaskKey* key);
  // A control frame at the next boundary, behind others inserted before. Returns the position of its end; 0 if it is
  // too late for it, since the Close frame has begun, or without memory.
  uint64_t insert(uint8_t opcode, const uint8_t* data, size_t n, const MaskKey* key);

  // Fills at most max entries from the front; returns how many.
  size_t fill_iovec(struct iovec* entries, size_t max) const {
    return bytes_.fill_iovec(entries, max);
  }
  // The socket has taken n bytes. So many behind them have to follow as they are, since TLS has encrypted them.
  // True if a frame has been written as a whole.
  bool consume(size_t n, size_t sealed);
  // Drops everything; nothing may be queued any more.
  void clear();

 private:
  // Where so much payload, and so many frames, end, in bytes of appended frames: what is inserted moves no marks.
  struct Mark {
    uint64_t end;
    uint64_t payload;
    uint64_t frames;
    uint64_t published;
    uint64_t publications;
  };
  // Inserted frames, one behind the other.
  struct Run {
    uint64_t begin, end;
  };

  void add_mark(size_t bytes);
  void pass_runs();
  bool pass_marks();
  void find_boundary(uint64_t fixed, uint64_t known);

  ChunkQueue bytes_;
  uint64_t queued_ = 0;
  uint64_t written_ = 0;
  // The first boundary behind which nothing is fixed yet: at or behind written_ and what is sealed.
  uint64_t boundary_ = 0;
  uint64_t inserted_end_ = 0;  // of the last inserted frame
  uint64_t inserted_written_ =
      0;                     // bytes of inserted frames, of those runs that are written as a whole
  uint64_t close_size_ = 0;  // of the Close frame at the end
  std::vector<Run> runs_;    // not written as a whole

  uint64_t appended_ = 0;  // bytes of appended frames
  uint64_t payload_queued_ = 0;
  uint64_t payload_written_ = 0;
  uint64_t frames_queued_ = 0;
  uint64_t frames_written_ = 0;
  uint64_t published_queued_ = 0;
  uint64_t published_written_ = 0;
  uint64_t publications_queued_ = 0;
  uint64_t publications_written_ = 0;
  bool in_run_ = false;      // the last mark stands for publications, from run_begin_ on
  uint64_t run_begin_ = 0;   // in bytes of appended frames
  std::vector<Mark> marks_;  // from first_mark_ on
  size_t first_mark_ = 0;
  uint64_t last_mark_ = 0;  // end of the last one passed
};

}  // namespace vws
