// A connection as a subscriber: frames that it shares with others, and what becomes of them when its peer is slow.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/connection.h"
#include "engine/publication.h"
#include "engine/service.h"

namespace vws {

namespace {

// What waits in the wire, so that a socket that takes much at once finds it; the rest can still be dropped.
constexpr size_t kWireEnough = 128 * 1024;

// What may wait for long does not keep the memory of others.
SharedBytes apart(const SharedBytes& bytes) {
  if (bytes.held() < 2 * bytes.size()) return bytes;
  Block block = BlockPool::shared().take(bytes.size());
  if (!block) return bytes;
  std::memcpy(block.data(), bytes.data(), bytes.size());
  block.set_size(bytes.size());
  return SharedBytes(std::move(block), 0);
}

}  // namespace

// Bytes that publications hold here: in the wire, and altogether.
uint64_t Connection::published_in_wire() const {
  return wire_.published_waiting() + Sender::kFrameCost * wire_.publications_waiting();
}

uint64_t Connection::published_held() const {
  const uint64_t behind = backlog_ ? backlog_->published + Sender::kFrameCost * backlog_->count : 0;
  return published_in_wire() + behind;
}

// Whether more may be put into the wire. Where the oldest are dropped, some have to stay where they can be.
bool Connection::wire_has_room() const {
  if (wire_.waiting() >= kWireEnough) return false;
  return !settings_.drop_oldest || published_in_wire() < (settings_.publish_limit + 1) / 2;
}

void Connection::publish(Publication& publication) {
  if (phase_ != Phase::kOpen || ended_ || close_sent_) return;
  const uint64_t size = publication.size();
  const auto fits = [this] { return published_held() < settings_.publish_limit; };
  // Much may be published in one turn: only what the socket does not take has to wait, or is lost.
  while (writable_ && !wire_.empty() && !(wire_has_room() && fits())) write_some();
  if (write_failed_ || ended_) return;
  while (settings_.drop_oldest && !fits() && drop_oldest()) {
  }
  // The newest is kept, then, even if what is being written is too much already.
  if (!settings_.drop_oldest && !fits()) {
    count_dropped(size);
    return;
  }
  bool compresses = false;
  const SharedBytes* const frame = frame_of(publication, &compresses);
  if (!frame) {
    count_dropped(size);
    return;
  }
  if (!backlog_ && !message_open_ && wire_has_room()) {
    put_published(*frame, size, compresses);
    service_.schedule(*this);
  } else {
    if (!backlog_) backlog_ = std::make_unique<Backlog>();
    backlog_->items.push_back({apart(*frame), size, compresses, nullptr});
    backlog_->published += size;
    ++backlog_->count;
  }
  tell_published();
}

// As this connection sends it; null without memory. Whoever puts it into the wire sees to the window.
const SharedBytes* Connection::frame_of(Publication& publication, bool* compressed) {
  const uint64_t size = publication.size();
  *compressed = deflater_ && publication.may_compress() && size >= settings_.publish_threshold;
  if (!*compressed) return &publication.plain();
  const SharedBytes* const frame = publication.compressed(
      service_.deflate_pool(), service_.compressed(), deflater_->parameters());
  if (frame) {
    stats_.plain_out += size;
    stats_.compressed_out += frame->size();
  }
  return frame;
}

// A message that was sent, and framed before.
bool Connection::put_prepared(Publication& message) {
  bool compressed = false;
  const SharedBytes* const frame = frame_of(message, &compressed);
  if (!frame || !wire_.append(*frame, message.size())) return false;
  if (compressed) deflater_->forget();
  ++stats_.messages_out;
  ++stats_.frames_out;
  return true;
}

void Connection::put_published(const SharedBytes& frame, uint64_t size, bool compressed) {
  if (compressed) deflater_->forget();
  if (!wire_.append_published(frame, size)) {
    count_dropped(size);
    return;
  }
  ++stats_.messages_out;
  ++stats_.frames_out;
}

void Connection::tell_published() {
  progress_.published.store(wire_.published_waiting() + (backlog_ ? backlog_->published : 0),
                            std::memory_order_relaxed);
}

// What is sent behind publications that wait keeps its place behind them.
void Connection::hold_behind(Outbound& outbound) {
  backlog_->items.push_back({{}, 0, false, std::make_unique<Outbound>(std::move(outbound))});
}

// Puts into the wire what waits, in order; all: whatever waits in the wire. Between the fragments of a message no
// other message may go (RFC 6455 §5.4): publications let the fragments pass, and what was handed over with them.
void Connection::release_backlog(bool all) {
  while (backlog_ && (all || wire_has_room())) {
    auto& items = backlog_->items;
    const auto next = std::find_if(items.begin(), items.end(), [this](const Backlog::Item& item) {
      return item.outbound || !message_open_;
    });
    if (next == items.end()) return;
    const Backlog::Item item = std::move(*next);
    items.erase(next);
    if (!item.outbound) {
      backlog_->published -= item.size;
      --backlog_->count;
    }
    if (items.empty()) backlog_.reset();
    if (item.outbound) {
      put(*item.outbound);
    } else {
      put_published(item.frame, item.size, item.compressed);
    }
  }
}

bool Connection::drop_oldest() {
  if (!backlog_) return false;
  auto& items = backlog_->items;
  const auto oldest = std::find_if(items.begin(), items.end(),
                                   [](const Backlog::Item& item) { return !item.outbound; });
  if (oldest == items.end()) return false;
  const uint64_t size = oldest->size;
  items.erase(oldest);
  backlog_->published -= size;
  --backlog_->count;
  if (items.empty()) backlog_.reset();
  count_dropped(size);
  return true;
}

// Told once a turn, however many there are.
void Connection::count_dropped(uint64_t size) {
  if (!dropped_) {
    dropped_ = std::make_unique<Dropped>();
    service_.settle_later(*this);
  }
  ++dropped_->messages;
  dropped_->bytes += size;
}

void Connection::report_dropped() {
  const auto dropped = std::move(dropped_);
  constexpr uint64_t kMost = INT32_MAX;
  do {
    const uint64_t bytes = std::min(dropped->bytes, kMost);
    service_.inbox().add(id_, Kind::kDropped, static_cast<int32_t>(dropped->messages),
                         static_cast<int32_t>(bytes));
    dropped->messages = 0;
    dropped->bytes -= bytes;
  } while (dropped->bytes != 0);
}

}  // namespace vws
