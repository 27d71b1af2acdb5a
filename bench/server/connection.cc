#include "connection.h"

#include <algorithm>
#include <cstring>

namespace bench {

namespace {

constexpr size_t kLongestRequest = 16 * 1024;
constexpr size_t kBlockBytes = 512 * 1024;
// A source serves the others after this much.
constexpr size_t kPumpBytes = 4 * 1024 * 1024;
// A paced source that was held up does not make up for more than this.
constexpr double kMostDebtSeconds = 0.05;

}  // namespace

Block make_block(uint64_t size, bool text) {
  auto block = std::make_shared<std::vector<uint8_t>>();
  const uint64_t frames = std::max<uint64_t>(1, kBlockBytes / (size + 4));
  uint8_t head[kLongestHeader];
  const uint8_t first = kFin | (text ? kText : kBinary);
  const size_t head_size = write_header(head, first, size, false, 0);
  block->reserve(frames * (size + head_size));
  for (uint64_t frame = 0; frame < frames; ++frame) {
    block->insert(block->end(), head, head + head_size);
    for (uint64_t i = 0; i < size; ++i) {
      block->push_back(static_cast<uint8_t>(text ? 'a' + i % 26 : i * 31));
    }
  }
  return block;
}

Connection::Connection(FileDescriptor socket, SSL_CTX* context, Scratch& scratch)
    : transport_(std::move(socket), context, Transport::Role::kServer), scratch_(scratch) {}

bool Connection::on_ready() {
  if (state_ == State::kTls) {
    const Transport::Status status = transport_.handshake();
    write_blocked_ = status == Transport::Status::kWantWrite;
    if (status == Transport::Status::kClosed) return false;
    if (status != Transport::Status::kOk) return true;
    state_ = State::kHttp;
  }
  if (!flush()) return false;
  if (!pending_.empty()) return true;
  if (state_ == State::kClosing) return write_blocked_;
  if (!read_some()) {
    transport_.reset_on_close();
    return false;
  }
  return pump();
}

// A full buffer may have left decrypted bytes behind, of which epoll knows nothing: hence the loop.
bool Connection::read_some() {
  size_t got = Scratch::kIn;
  while (got == Scratch::kIn && pending_.empty()) {
    const Transport::Result result = transport_.read(scratch_.in.data(), Scratch::kIn);
    if (result.status == Transport::Status::kClosed) return false;
    got = result.bytes;
    if (got == 0) return true;
    const bool alive = state_ == State::kHttp ? upgrade(scratch_.in.data(), got)
                                              : consume(scratch_.in.data(), got) && flush();
    if (!alive) return false;
  }
  return true;
}

bool Connection::upgrade(uint8_t* data, size_t size) {
  const size_t had = request_.size();
  request_.append(reinterpret_cast<char*>(data), size);
  const size_t end = request_.find("\r\n\r\n");
  if (end == std::string::npos) return request_.size() < kLongestRequest;
  const auto reply = answer(std::string_view(request_).substr(0, end + 4));
  if (!reply) return false;
  task_ = reply->task;
  if (task_.mode == Mode::kSource) block_ = make_block(task_.size, task_.text);
  std::memcpy(scratch_.out.data(), reply->response.data(), reply->response.size());
  out_ = reply->response.size();
  state_ = State::kOpen;
  const size_t used = end + 4 - had;
  request_.clear();
  request_.shrink_to_fit();
  return consume(data + used, size - used) && flush();
}

bool Connection::consume(uint8_t* data, size_t size) {
  const uint8_t* at = data;
  const uint8_t* const end = data + size;
  while (at < end && state_ == State::kOpen) {
    if (!in_frame_) {
      at += take_header(at, static_cast<size_t>(end - at));
      if (!in_frame_) continue;
      if (!frame_.masked) return false;
      begin_frame();
    }
    const size_t left = static_cast<size_t>(end - at);
    const size_t piece = static_cast<size_t>(std::min<uint64_t>(left, frame_.length - taken_));
    if (piece > 0) take_payload(at, piece);
    at += piece;
    taken_ += piece;
    if (taken_ == frame_.length) end_frame();
  }
  return true;
}

// Returns the bytes it used; sets in_frame_ when the header is complete.
size_t Connection::take_header(const uint8_t* data, size_t size) {
  if (head_size_ == 0) {
    const size_t used = parse_header(data, size, frame_);
    in_frame_ = used > 0;
    if (in_frame_) return used;
  }
  size_t used = 0;
  while (used < size && !in_frame_) {
    head_[head_size_++] = data[used++];
    in_frame_ = parse_header(head_, head_size_, frame_) > 0;
  }
  if (in_frame_) head_size_ = 0;
  return used;
}

void Connection::begin_frame() {
  taken_ = 0;
  const bool returned = frame_.control() ? frame_.opcode() != kPong : task_.mode == Mode::kEcho;
  if (!returned) return;
  const uint8_t first = frame_.opcode() == kPing ? kFin | kPong : frame_.first;
  out_ += write_header(scratch_.out.data() + out_, first, frame_.length, false, 0);
}

// Compressed messages go back as they came. That is a valid echo, and one that costs nothing: the
// server's compression stream is the client's own, byte for byte, from the first message on.
void Connection::take_payload(const uint8_t* data, size_t size) {
  const bool returned = frame_.control() ? frame_.opcode() != kPong : task_.mode == Mode::kEcho;
  if (!returned) return;
  mask_copy(scratch_.out.data() + out_, data, size, rotate_mask(frame_.mask, taken_));
  out_ += size;
}

void Connection::end_frame() {
  in_frame_ = false;
  if (frame_.opcode() == kClose) state_ = State::kClosing;
  if (frame_.control() || !frame_.fin()) return;
  ++messages_;
  if (task_.mode == Mode::kSink && task_.every > 0 && messages_ % task_.every == 0) acknowledge();
  if (task_.mode == Mode::kSource && !streaming_) {
    streaming_ = true;
    paced_at_ = Clock::now();
  }
}

void Connection::acknowledge() {
  const std::string count = std::to_string(messages_);
  out_ += write_header(scratch_.out.data() + out_, kFin | kText, count.size(), false, 0);
  std::memcpy(scratch_.out.data() + out_, count.data(), count.size());
  out_ += count.size();
}

// Sends scratch_.out, after what is pending; keeps what the socket does not take.
bool Connection::flush() {
  const Transport::Status earlier = transport_.flush();
  if (earlier == Transport::Status::kClosed) return false;
  write_blocked_ = earlier == Transport::Status::kWantWrite;
  const bool kept = !pending_.empty();
  const uint8_t* const data = kept ? pending_.data() : scratch_.out.data();
  const size_t size = kept ? pending_.size() : out_;
  out_ = 0;
  if (size == 0) return true;
  const Transport::Result put = transport_.write(data, size);
  if (put.status == Transport::Status::kClosed) return false;
  if (put.bytes == size) {
    pending_ = {};
    write_blocked_ = put.status == Transport::Status::kWantWrite;
    return write_blocked_ || state_ != State::kClosing;
  }
  write_blocked_ = true;
  pending_ = std::vector<uint8_t>(data + put.bytes, data + size);
  return true;
}

// A source sends its block round and round.
bool Connection::pump() {
  if (!streaming_ || !pending_.empty() || state_ != State::kOpen) return true;
  size_t budget = paced() ? static_cast<size_t>(due_) : kPumpBytes;
  write_blocked_ = !paced();
  while (budget > 0) {
    const size_t piece = std::min(budget, block_->size() - block_at_);
    const Transport::Result put = transport_.write(block_->data() + block_at_, piece);
    if (put.status == Transport::Status::kClosed) return false;
    block_at_ = (block_at_ + put.bytes) % block_->size();
    budget -= put.bytes;
    if (paced()) due_ -= static_cast<double>(put.bytes);
    if (put.status != Transport::Status::kOk) {
      write_blocked_ = true;
      break;
    }
  }
  return true;
}

bool Connection::on_tick(Clock::time_point now) {
  const double rate = static_cast<double>(task_.rate);
  const double elapsed = std::chrono::duration<double>(now - paced_at_).count();
  paced_at_ = now;
  due_ = std::min(due_ + elapsed * rate, kMostDebtSeconds * rate);
  return write_blocked_ || pump();
}

}  // namespace bench
