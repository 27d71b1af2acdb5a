// A connection's bytes: from the socket to the frame reader, and from the queue to the socket.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/connection.h"
#include "engine/os/error_names.h"
#include "engine/os/iovec.h"
#include "engine/service.h"
#include "engine/ws/close_codes.h"
#include "engine/ws/tuning.h"

namespace vws {

namespace {

// Pieces in one write: with chunks of 64 KiB far more than a socket takes at once.
constexpr size_t kMaxPieces = 32;

// Bytes of pongs that may wait for a peer that does not read.
constexpr size_t kMaxPongBacklog = 64 * 1024;

// What compressing or inflating a byte costs, in bytes copied.
constexpr uint64_t kDeflateWork = 10;

// What is read into the common buffer between large messages, whose payload should go where it belongs at once.
constexpr size_t kPeekSize = 4 * 1024;

}  // namespace

void Connection::on_ready(int, uint32_t readiness) {
  if (readiness & (kReadable | kHangup | kError)) readable_ = true;
  if (readiness & (kPeerClosed | kHangup | kError)) peer_closed_ = true;
  if (readiness & (kHangup | kError)) hung_up_ = true;
  if ((readiness & kWritable) && !write_failed_) {
    // A socket that was full has room again: the peer has taken something. A Unix socket tells by nothing else.
    if (!writable_ && awaiting_beat_ && beat_->wire_end != 0) beat_->alive = Clock::now();
    writable_ = true;
  }
  service_.schedule(*this);
}

bool Connection::try_read() {
  if (!tuning().guess || phase_ != Phase::kOpen || ended_ || scheduled || !may_read()) return false;
  const auto self = shared_from_this();
  const uint64_t before = stats_.wire_in;
  readable_ = true;
  if (service()) service_.schedule(*this);
  return stats_.wire_in != before || ended_;
}

bool Connection::service() {
  if (ended_) return false;
  if (phase_ == Phase::kUndecided) return watch_undecided();
  if (phase_ == Phase::kRefused) return serve_refused();
  if (phase_ == Phase::kBody) return read_body();
  if (phase_ != Phase::kOpen) return false;
  write_some();
  bool more = false;
  if (readable_ || !unread_.empty()) {
    if (may_read()) {
      more = read_some();
      if (!wire_.empty()) write_some();
    } else if (!paused_) {
      service_.park(*this);
    } else if (hung_up_) {
      on_end_of_stream({});
    }
  }
  return more && !ended_;
}

// Nothing is read before it is decided what the bytes are.
bool Connection::watch_undecided() {
  if (hung_up_) {
    end_undecided();
  } else if (peer_closed_ && !peer_end_told_) {
    peer_end_told_ = true;
    service_.inbox().add(id_, Kind::kStreamEnd);
  }
  return false;
}

// The answer goes out; then the peer ends the connection. What it sends meanwhile would reset it, were it not read, as
// far as that goes.
bool Connection::serve_refused() {
  write_some();
  if (!wire_.empty() && !write_failed_) return false;
  half_close();
  for (size_t left = Service::kReadBudget; readable_ && left > 0;) {
    struct iovec piece {
      service_.receive_buffer(), Service::kReceiveSize
    };
    const Transfer received = transport_->read(&piece, 1, peer_closed_);
    if (received.drained) readable_ = false;
    if (received.ended || (received.starved && !rest(starved_in_))) {
      end_undecided();
      return false;
    }
    if (received.starved) return false;
    left -= std::min(left, std::max<size_t>(received.bytes, 1));
    stats_.wire_in += received.bytes;
    if (stats_.wire_in > Service::kMostDiscarded) {
      end_undecided();
      return false;
    }
  }
  return readable_;
}

// ---- In

bool Connection::may_read() const {
  // While the connection is being closed down, what still comes is looked at whatever waits.
  return broken_ || close_received_ || (!paused_ && !service_.reading_suspended());
}

bool Connection::feed(uint8_t* data, size_t n) {
  if (broken_ || close_received_ || n == 0) return true;
  const size_t used = reader_->feed(data, n);
  if (reader_->failed()) {
    protocol_error();
    return true;
  }
  if (used == n || reader_->closed()) return true;
  unread_.assign(data + used, data + n);
  return false;
}

bool Connection::read_some() {
  if (!unread_.empty()) {
    std::vector<uint8_t> bytes;
    bytes.swap(unread_);
    if (!feed(bytes.data(), bytes.size())) return !paused_;
    // Others were waiting as well: the socket is read when it is this connection's turn again.
    if (readable_ && !broken_ && !close_received_) return true;
  }
  size_t budget = Service::kReadBudget;
  while (readable_ && budget > 0) {
    if (!may_read()) {
      if (!paused_) service_.park(*this);
      return false;
    }
    FrameReader::Window window;
    const bool discarding = broken_ || close_received_;
    if (tuning().direct && !discarding) window = reader_->direct_window();
    struct iovec pieces[2];
    int count = 0;
    if (window.size) pieces[count++] = {window.data, window.size};
    if (!transport_->ssl() || !window.size) {
      const bool peek = tuning().direct && !discarding && reader_->expects_window();
      pieces[count++] = {service_.receive_buffer(), peek ? kPeekSize : Service::kReceiveSize};
    }

    const Transfer received = transport_->read(pieces, count, peer_closed_);
    stats_.wire_in += received.bytes;
    service_.note_work(received.bytes * cost() * (inflater_ ? kDeflateWork : 1));
    if (received.bytes) {
      note_life();
      starved_in_.shortage.pass();
    }
    budget -= std::min(budget, std::max<size_t>(received.bytes, 1));
    if (received.drained) readable_ = false;

    const size_t direct = std::min(received.bytes, window.size);
    if (direct) {
      const bool go_on = reader_->commit(direct);
      if (reader_->failed()) protocol_error();
      if (!go_on && !reader_->failed() && received.bytes > direct) {
        unread_.assign(service_.receive_buffer(),
                       service_.receive_buffer() + (received.bytes - direct));
        return !paused_;
      }
    }
    if (received.bytes > direct && !feed(service_.receive_buffer(), received.bytes - direct)) {
      return !paused_;
    }
    if (received.ended) {
      readable_ = false;
      // What the peer sends no more it may still take: our Close frame looks again. After an error it does not.
      if (write_failed_) {
        on_end_of_stream(received.detail.empty() ? ending().detail : received.detail);
      } else if (!owes_close() || !received.detail.empty()) {
        on_end_of_stream(received.detail);
      }
      return false;
    }
    if (received.starved) {
      if (!rest(starved_in_)) on_end_of_stream("read " + errno_name(received.starved));
      return false;
    }
    service_.publish_if_large();
    service_.spend(received.bytes);
    if (service_.turn_is_over()) break;
  }
  // Nothing more can be said, and nothing more has come.
  if (write_failed_ && !readable_) on_end_of_stream(ending().detail);
  return readable_;
}

// Whether the reader should go on: a few bytes can become very many messages, or a very large one.
bool Connection::wants_more() const {
  return !paused_ && !service_.reading_suspended() && !service_.turn_is_over();
}

// The same after an event with so much payload.
bool Connection::took(size_t n) {
  constexpr uint64_t kEvent = 512;  // what it costs besides
  service_.spend(kEvent + n);
  return wants_more();
}

bool Connection::on_inflated(size_t n) {
  service_.note_work(n);
  return took(n);
}

bool Connection::on_message(bool text, bool ascii, const uint8_t* data, size_t n) {
  ++stats_.messages_in;
  if (n >= Batch::kLargeMessage) {
    Block block = BlockPool::shared().take(n);
    if (block) {
      memcpy(block.data(), data, n);
      block.set_size(n);
      service_.inbox().add_block(id_, text, text && !settings_.text_as_bytes, ascii,
                                 std::move(block));
      return took(n);
    }
  }
  const Kind kind = !text                     ? Kind::kReceive
                    : settings_.text_as_bytes ? Kind::kReceiveTextBytes
                    : ascii                   ? Kind::kReceiveAscii
                                              : Kind::kReceiveText;
  service_.inbox().add_bytes(id_, kind, data, n);
  return took(n);
}

bool Connection::on_large_message(bool text, bool ascii, Block block) {
  ++stats_.messages_in;
  const size_t n = block.size();
  service_.inbox().add_block(id_, text, text && !settings_.text_as_bytes, ascii, std::move(block));
  return took(n);
}

bool Connection::on_ping(const uint8_t* data, size_t n) {
  service_.inbox().add_value(id_, Kind::kReceivePing,
                             std::string(reinterpret_cast<const char*>(data), n));
  if (settings_.auto_pong && !write_failed_ && !answer_ping(data, n)) return false;
  return took(n);
}

// Every ping is answered, unless so many answers wait that the peer cannot be reading: then the latest is
// answered when they have gone (RFC 6455 §5.5.3 allows it), so that a peer that only pings costs no memory. Where they
// are counted (ws does it) such a peer is cut off instead: then it answers false.
bool Connection::answer_ping(const uint8_t* data, size_t n) {
  if (settings_.max_pending_pongs != 0 && !may_owe_another_pong()) {
    ending().excess = Excess::kPongs;
    killed_ = true;
    on_end_of_stream(std::to_string(settings_.max_pending_pongs) + " pongs wait to be written");
    return false;
  }
  if (wire_.inserted_waiting() < kMaxPongBacklog) {
    const uint64_t end = send_control(kPong, data, n);
    if (end != 0 && settings_.max_pending_pongs != 0) count_pong(end);
  } else {
    late_pong_ = std::make_unique<std::string>(reinterpret_cast<const char*>(data), n);
  }
  return true;
}

void Connection::count_pong(uint64_t end) {
  if (!pongs_) pongs_ = std::make_unique<std::vector<uint64_t>>();
  pongs_->push_back(end);
}

// Many pings in one piece are no fault as long as the peer takes the answers: so they are written before it is said.
bool Connection::may_owe_another_pong() {
  const size_t most = settings_.max_pending_pongs;
  if (!pongs_ || pongs_->size() < most) return true;
  write_some();
  if (write_failed_) return true;  // it ends for that
  if (!pongs_) return true;        // all have gone
  const auto waiting = std::upper_bound(pongs_->begin(), pongs_->end(), wire_.written());
  pongs_->erase(pongs_->begin(), waiting);
  return pongs_->size() < most;
}

bool Connection::on_pong(const uint8_t* data, size_t n) {
  std::string payload(reinterpret_cast<const char*>(data), n);
  if (note_beat(payload)) return took(n);
  service_.inbox().add_value(id_, Kind::kReceivePong, std::move(payload));
  return took(n);
}

bool Connection::on_close(bool has_code, uint16_t code, const uint8_t* reason, size_t n) {
  close_received_ = true;
  peer_code_ = has_code ? code : static_cast<uint16_t>(kCloseNoStatus);
  std::string& words = ending().peer_reason;
  words.assign(reinterpret_cast<const char*>(reason), n);
  if (!close_sent_) {
    // JavaScript answers it when it has heard of it: what it sends until then, not knowing better, goes out before
    // (RFC 6455 §5.5.1 lets the answer wait for that). If it does not get there, the timer does.
    service_.inbox().add_value(id_, Kind::kPeerInitiatedClose, words, peer_code_, true);
    begin_close_wait();
  } else if (close_flushed_) {
    half_close();
  }
  return true;
}

// ---- Out

void Connection::enqueue(Outbound& outbound) {
  if (phase_ == Phase::kDead || ended_ || close_sent_ || write_failed_) return;
  if (phase_ != Phase::kOpen) {
    if (!waiting_raw_) waiting_raw_ = std::make_unique<ChunkQueue>(service_.chunks());
    waiting_raw_->splice(outbound.raw);
    return;
  }
  if (backlog_) {
    hold_behind(outbound);
    release_backlog(false);
  } else {
    put(outbound);
  }
  service_.schedule(*this);
}

void Connection::put(Outbound& outbound) {
  frame_raw(outbound.raw, outbound.prepared);
  if (outbound.framed.empty()) return;
  stats_.messages_out += outbound.messages;
  stats_.frames_out += outbound.frames;
  if (outbound.ends_open) message_open_ = *outbound.ends_open;
  wire_.append(outbound.framed, outbound.payload, outbound.frames);
}

// Frames what the producer left to be decided: whether to compress.
void Connection::frame_raw(ChunkQueue& raw,
                           const std::vector<std::shared_ptr<Publication>>& prepared) {
  for (auto next = prepared.begin(); !raw.empty();) {
    size_t piece;
    const uint8_t* start = raw.front(&piece);
    RawMessage head;
    memcpy(&head, start, sizeof head);
    if (head.prepared) {
      if (!put_prepared(**next++)) {
        on_end_of_stream("out of memory");
        return;
      }
      raw.consume(sizeof head);
      continue;
    }
    const uint8_t* payload = start + sizeof head;
    const bool control = head.opcode >= kClose;
    if (!control && head.opcode != kContinuation) {
      message_compressed_ =
          deflater_ &&
          (head.compress == Compress::kAlways ||
           (head.compress == Compress::kByThreshold && head.size >= settings_.deflate_threshold));
    }
    const uint8_t* data = payload;
    size_t size = head.size;
    FrameHead frame{head.opcode, head.fin, false};
    if (!control && message_compressed_) {
      Deflater::Output output;
      if (!deflater_->compress(payload, size, head.fin, &output)) {
        on_end_of_stream("out of memory");
        return;
      }
      stats_.plain_out += size;
      service_.note_work(size * kDeflateWork);
      stats_.compressed_out += output.size;
      data = output.data;
      size = output.size;
      frame.rsv1 = head.opcode != kContinuation;
    }
    const bool masked = head.masked && role_.masks;
    const MaskKey key = masked ? service_.mask_keys().next() : MaskKey{};
    if (!wire_.append(frame, data, size, masked ? &key : nullptr, head.size)) {
      on_end_of_stream("out of memory");
      return;
    }
    if (!control) message_open_ = !head.fin;
    if (!control && head.fin) ++stats_.messages_out;
    ++stats_.frames_out;
    raw.consume(sizeof head + head.size);
  }
}

uint64_t Connection::send_control(uint8_t opcode, const uint8_t* data, size_t n) {
  const MaskKey key = mask_key();
  const uint64_t end = wire_.insert(opcode, data, n, role_.masks ? &key : nullptr);
  if (end != 0) ++stats_.frames_out;
  return end;
}

void Connection::send_close_frame() {
  if (backlog_) release_backlog(true);
  // Behind a message that was begun and is not finished nothing goes any more.
  while (drop_oldest()) {
  }
  backlog_.reset();
  close_sent_ = true;
  if (close_received_ || broken_) readable_ = true;
  const MaskKey key = mask_key();
  const std::string reason = ending_ ? ending_->our_reason : std::string();
  wire_.append_close(our_code_, reinterpret_cast<const uint8_t*>(reason.data()), reason.size(),
                     role_.masks ? &key : nullptr);
  ++stats_.frames_out;
  begin_close_wait();
  service_.schedule(*this);
}

void Connection::write_some() {
  bool progress = false;
  while (writable_ && !wire_.empty()) {
    struct iovec pieces[kMaxPieces];
    const size_t count = wire_.fill_iovec(pieces, tuning().coalesce ? kMaxPieces : 1);
    const Transfer sent = transport_->write(pieces, count);
    if (sent.ended) {
      stop_writing(sent.detail);
      return;
    }
    stats_.wire_out += sent.bytes;
    service_.note_work(sent.bytes * cost());
    progress |= wire_.consume(sent.bytes, sent.sealed);
    if (sent.bytes != 0) starved_out_.shortage.pass();
    if (sent.starved != 0) {
      writable_ = false;
      if (!rest(starved_out_)) stop_writing("write " + errno_name(sent.starved));
    } else if (sent.drained) {
      await_writable();
    }
  }
  after_write(progress);
}

// Until a socket has been full once it is not asked whether it is: see EventLoop::Guess.
void Connection::await_writable() {
  writable_ = false;
  if (watches_writable_) return;
  watches_writable_ = true;
  if (!transport_->watch_writable(this)) stop_writing(EventLoop::not_watched(errno));
}

// Nothing more can be sent. What has arrived before is still read, then the connection ends, whatever it was: an error
// of this machine's (a firewall's EPERM, say) says nothing to the peer, and nothing would ever come of waiting.
void Connection::stop_writing(std::string detail) {
  log(kLogWarning, "cannot be written to: ", detail);
  writable_ = false;
  write_failed_ = true;
  wire_.clear();
  backlog_.reset();
  late_pong_.reset();
  ending().detail = std::move(detail);
  readable_ = true;
  peer_closed_ = true;
  if (paused_) on_end_of_stream(ending().detail);
  service_.schedule(*this);
}

void Connection::after_write(bool progress) {
  if (progress) {
    stats_.payload_out = wire_.payload_written() + wire_.published_written();
    tell_published();
    if (backlog_) {
      release_backlog(false);
      service_.schedule(*this);
    }
    progress_.written.store(wire_.payload_written());
    progress_.frames_written.store(wire_.frames_written());
    if (wants_flush_) add_flushed();
  }
  uint64_t drained_at = progress_.drained_at.load();
  if (drained_at != 0 && wire_.frames_written() >= drained_at &&
      progress_.drained_at.compare_exchange_strong(drained_at, 0)) {
    service_.inbox().add(id_, Kind::kWriteable);
  }
  if (beat_) note_beat_written();
  if (late_pong_ && wire_.inserted_waiting() == 0) {
    const auto pong = std::move(late_pong_);
    answer_ping(reinterpret_cast<const uint8_t*>(pong->data()), pong->size());
    service_.schedule(*this);
  }
  if (pongs_ && wire_.inserted_waiting() == 0) pongs_.reset();
  if (close_sent_ && wire_.empty() && !write_failed_ && !close_flushed_) {
    close_flushed_ = true;
    if (close_received_ || broken_) half_close();
  }
}

void Connection::report_progress() {
  if (phase_ != Phase::kOpen) return;
  wants_flush_ = true;
  const bool held_behind = backlog_ && backlog_->items.size() != backlog_->count;
  if (wire_.frames_queued() == wire_.frames_written() && !held_behind) add_flushed();
}

void Connection::add_flushed() {
  wants_flush_ = false;
  const uint64_t payload = progress_.written.load();
  service_.inbox().add(id_, Kind::kFlushed, static_cast<int32_t>(payload & 0x7fffffff),
                       static_cast<int32_t>(payload >> 31));
}

// Both Close frames are done: we have nothing more to say, and the peer ends TCP (RFC 6455 §7.1.1).
void Connection::half_close() { transport_->shut_down(); }

MaskKey Connection::mask_key() { return role_.masks ? service_.mask_keys().next() : MaskKey{}; }

// Of a byte, in bytes copied: a cipher costs as much again.
uint64_t Connection::cost() const { return transport_->ssl() ? 2 : 1; }

}  // namespace vws
