#include "engine/stream_transport.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/os/iovec.h"

namespace vws {

bool StreamTransport::announce(size_t bytes) {
  if (waiting_.fetch_add(bytes) + bytes < kHighWater) return true;
  wants_drain_.store(true);
  // It may have been read meanwhile, and nobody told of it.
  return waiting_.load() < kHighWater && wants_drain_.exchange(false);
}

void StreamTransport::tell(uint32_t readiness) {
  if (handler_) handler_->on_ready(-1, readiness);
}

bool StreamTransport::begin(IoHandler* handler) {
  handler_ = handler;
  if (!arrived_.empty() || ended_) tell(kReadable);
  return true;
}

void StreamTransport::feed(std::vector<uint8_t> bytes) {
  if (ended_ || bytes.empty()) return;
  arrived_.push_back(std::move(bytes));
  tell(kReadable);
}

void StreamTransport::feed_end(std::string error) {
  if (ended_) return;
  ended_ = true;
  error_ = std::move(error);
  tell(kReadable | kPeerClosed | (error_.empty() ? 0u : kError));
}

void StreamTransport::took(size_t bytes) {
  outstanding_ -= std::min(outstanding_, bytes);
  if (full_ && outstanding_ < kWindow / 2) {
    full_ = false;
    tell(kWritable);
  }
}

Transfer StreamTransport::read(struct iovec* pieces, int count, bool) {
  Transfer transfer;
  for (int i = 0; i < count; ++i) {
    auto* to = static_cast<uint8_t*>(pieces[i].iov_base);
    size_t room = pieces[i].iov_len;
    while (room > 0 && !arrived_.empty()) {
      const std::vector<uint8_t>& first = arrived_.front();
      const size_t n = std::min(room, first.size() - read_of_first_);
      std::memcpy(to, first.data() + read_of_first_, n);
      to += n;
      room -= n;
      read_of_first_ += n;
      transfer.bytes += n;
      if (read_of_first_ == first.size()) {
        arrived_.pop_front();
        read_of_first_ = 0;
      }
    }
  }
  if (arrived_.empty()) {
    transfer.drained = !ended_;
    // What came before the end is used first.
    transfer.ended = ended_ && transfer.bytes == 0;
    if (transfer.ended) transfer.detail = error_;
  }
  const size_t left = waiting_.fetch_sub(transfer.bytes) - transfer.bytes;
  if (left < kHighWater / 2 && wants_drain_.exchange(false)) {
    inbox_.add(id_, Kind::kStreamDrain);
  }
  return transfer;
}

Transfer StreamTransport::write(const struct iovec* pieces, size_t count) {
  Transfer transfer;
  if (shut_ || !error_.empty()) {
    transfer.ended = true;
    transfer.detail = error_;
    return transfer;
  }
  std::string bytes;
  const size_t room = kWindow - std::min(outstanding_, kWindow);
  for (size_t i = 0; i < count && bytes.size() < room; ++i) {
    const size_t n = std::min(pieces[i].iov_len, room - bytes.size());
    bytes.append(static_cast<const char*>(pieces[i].iov_base), n);
  }
  transfer.bytes = bytes.size();
  outstanding_ += bytes.size();
  full_ = outstanding_ >= kWindow;
  transfer.drained = full_;
  if (!bytes.empty()) inbox_.add_value(id_, Kind::kStreamData, std::move(bytes));
  return transfer;
}

void StreamTransport::shut_down() {
  if (std::exchange(shut_, true)) return;
  inbox_.add(id_, Kind::kStreamEnd);
}

// JavaScript hears of the connection's end, and destroys the stream.
void StreamTransport::close() { handler_ = nullptr; }

}  // namespace vws
