#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "frames.h"
#include "handshake.h"
#include "transport.h"

namespace bench {

using Clock = std::chrono::steady_clock;

// What is read and written in one go; shared by all connections, which keep nothing there.
struct Scratch {
  static constexpr size_t kIn = 256 * 1024;
  // The most that an input can cause: an acknowledgement for each of the smallest frames.
  static constexpr size_t kOut = 4 * kIn;

  std::vector<uint8_t> in = std::vector<uint8_t>(kIn);
  std::vector<uint8_t> out = std::vector<uint8_t>(kOut);
};

// Frames of one kind, ready to be sent over and over.
using Block = std::shared_ptr<const std::vector<uint8_t>>;
Block make_block(uint64_t size, bool text);

// One client: TLS and upgrade, then what its path asked for. An echo streams: no message is ever held.
class Connection {
 public:
  Connection(FileDescriptor socket, SSL_CTX* context, Scratch& scratch);

  // Serves the socket. False: the connection is done.
  bool on_ready();
  // Paced sources: sends what has become due.
  bool on_tick(Clock::time_point now);

  bool wants_read() const { return pending_.empty(); }
  bool wants_write() const { return write_blocked_; }
  bool paced() const { return streaming_ && task_.rate > 0; }
  int fd() const { return transport_.fd(); }

  // What epoll was told last.
  uint32_t watched = 0;

 private:
  enum class State { kTls, kHttp, kOpen, kClosing };

  bool read_some();
  bool upgrade(uint8_t* data, size_t size);
  bool consume(uint8_t* data, size_t size);
  size_t take_header(const uint8_t* data, size_t size);
  void begin_frame();
  void take_payload(const uint8_t* data, size_t size);
  void end_frame();
  void acknowledge();
  bool flush();
  bool pump();

  Transport transport_;
  Scratch& scratch_;
  State state_ = State::kTls;
  Task task_;
  std::string request_;
  std::vector<uint8_t> pending_;  // taken from scratch_.out when the socket is full
  size_t out_ = 0;                // bytes in scratch_.out; 0 between two calls
  bool write_blocked_ = false;

  FrameHeader frame_;
  bool in_frame_ = false;
  uint64_t taken_ = 0;  // payload bytes of frame_ seen
  uint8_t head_[kLongestHeader] = {};
  size_t head_size_ = 0;

  uint64_t messages_ = 0;
  bool streaming_ = false;
  Block block_;
  size_t block_at_ = 0;
  Clock::time_point paced_at_;
  double due_ = 0;  // bytes a paced source may send now
};

}  // namespace bench
