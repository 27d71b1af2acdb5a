#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/inbox.h"
#include "engine/transport.h"

namespace vws {

// A stream of JavaScript's instead of a socket: what is read from it comes by feed(), what is to be written goes by
// records (StreamData), and is counted until JavaScript says that the stream took it. Service thread, unless said.
class StreamTransport final : public Transport {
 public:
  // Bytes that wait to be read, from which the stream should be paused; and bytes that may be on their way to it.
  static constexpr size_t kHighWater = 256 * 1024;
  static constexpr size_t kWindow = 1024 * 1024;

  StreamTransport(Inbox& inbox, int32_t id) : inbox_(inbox), id_(id) {}

  // JavaScript's thread: so many bytes more are given to feed(). Whether to go on; else a StreamDrain record follows.
  bool announce(size_t bytes);

  void feed(std::vector<uint8_t> bytes);
  // The peer sends nothing more. error: why, if something broke.
  void feed_end(std::string error);
  void took(size_t bytes);

  int fd() const override { return -1; }
  ssl_st* ssl() const override { return nullptr; }
  bool begin(IoHandler* handler) override;
  bool watch_writable(IoHandler*) override { return true; }
  Transfer read(struct iovec* pieces, int count, bool peer_closed) override;
  Transfer write(const struct iovec* pieces, size_t count) override;
  void shut_down() override;
  void close() override;

 private:
  void tell(uint32_t readiness);

  Inbox& inbox_;
  const int32_t id_;
  IoHandler* handler_ = nullptr;
  std::deque<std::vector<uint8_t>> arrived_;
  size_t read_of_first_ = 0;
  bool ended_ = false;
  bool shut_ = false;
  bool full_ = false;
  std::string error_;
  size_t outstanding_ = 0;
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> wants_drain_{false};
};

}  // namespace vws
