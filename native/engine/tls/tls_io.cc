#include "engine/tls/tls_io.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "engine/tls/failure.h"
#include "engine/tls/socket_bio.h"
#include "engine/ws/tuning.h"

namespace vws {

namespace {

constexpr size_t kMaxRecord = 16 * 1024;  // of plaintext, RFC 8446 §5.1

// Room for four records of today's ciphers, 16406 bytes each, so that one system call brings them.
constexpr size_t kReadAhead = 4 * (16 * 1024 + 64);

// An error that an earlier call has left would be taken for this one's.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

void set_state(IoResult& result, const SSL* ssl, int returned) {
  switch (tls_status(ssl, returned)) {
    case TlsStatus::kOk:
      break;
    case TlsStatus::kWantRead:
      result.state = IoResult::kWantRead;
      break;
    case TlsStatus::kWantWrite:
      result.state = IoResult::kWantWrite;
      break;
    case TlsStatus::kClosed:
      result.state = IoResult::kClosed;
      break;
    case TlsStatus::kEof:
      result.state = IoResult::kEof;
      result.failure = describe_io_failure(ssl);
      break;
    case TlsStatus::kSyscall:
    case TlsStatus::kProtocol:
      result.state = IoResult::kError;
      result.failure = describe_io_failure(ssl);
      break;
  }
}

// Walks over pieces, a record's worth at a time.
class Pieces {
 public:
  Pieces(const struct iovec* pieces, size_t count) : at_(pieces), end_(pieces + count) { settle(); }

  bool empty() const { return at_ == end_; }

  bool fit_one_record() const {
    size_t size = 0;
    for (const struct iovec* piece = at_; piece != end_ && size <= kMaxRecord + offset_; ++piece) {
      size += piece->iov_len;
    }
    return size <= kMaxRecord + offset_;
  }

  // The next bytes, at most a record's worth, in one place: where they are, or in the scratch
  // buffer if they are in several pieces.
  const uint8_t* next_record(uint8_t* scratch, size_t* size) const {
    const size_t here = at_->iov_len - offset_;
    const uint8_t* data = static_cast<const uint8_t*>(at_->iov_base) + offset_;
    if (here >= kMaxRecord || at_ + 1 == end_) {
      *size = std::min(here, kMaxRecord);
      return data;
    }
    memcpy(scratch, data, here);
    *size = here;
    for (const struct iovec* piece = at_ + 1; piece != end_ && *size < kMaxRecord; ++piece) {
      const size_t part = std::min(piece->iov_len, kMaxRecord - *size);
      if (part > 0) memcpy(scratch + *size, piece->iov_base, part);
      *size += part;
    }
    return scratch;
  }

  void consume(size_t size) {
    offset_ += size;
    settle();
  }

 private:
  // Past what is used up, which may be several pieces, or empty ones.
  void settle() {
    while (at_ != end_ && offset_ >= at_->iov_len) {
      offset_ -= at_->iov_len;
      ++at_;
    }
  }

  const struct iovec* at_;
  const struct iovec* end_;
  size_t offset_ = 0;  // within *at_
};

// One record, or what is left of one that was blocked.
bool write_record(SSL* ssl, Pieces& left, size_t& taken, IoResult& result) {
  uint8_t scratch[kMaxRecord];
  size_t size = 0;
  const uint8_t* data = left.next_record(scratch, &size);
  const int returned = SSL_write_ex(ssl, data, size, &taken);
  if (returned > 0) {
    left.consume(taken);
    return true;
  }
  set_state(result, ssl, returned);
  if (result.state == IoResult::kWantWrite || result.state == IoResult::kWantRead) {
    result.sealed = size;
  }
  return false;
}

IoResult write_directly(SSL* ssl, Pieces& left) {
  IoResult result;
  size_t taken = 0;
  while (!left.empty() && write_record(ssl, left, taken, result)) result.bytes += taken;
  return result;
}

// Counts what was gathered as written if it has gone out, and as owed if not.
bool flush_gathered(const SSL* ssl, SocketBio& socket, IoResult& result) {
  switch (socket.flush()) {
    case SocketBio::Flushed::kAll:
      result.bytes += socket.owed();
      socket.set_owed(0);
      return true;
    case SocketBio::Flushed::kBlocked:
      result.sealed += socket.owed();
      if (result.state == IoResult::kOk) result.state = IoResult::kWantWrite;
      return false;
    case SocketBio::Flushed::kFailed:
      break;
  }
  result.state = IoResult::kError;
  result.failure = describe_io_failure(ssl);
  return false;
}

IoResult write_gathered(SSL* ssl, SocketBio& socket, Pieces& left) {
  IoResult result;
  const size_t owed = socket.owed();
  if (!flush_gathered(ssl, socket, result)) return result;
  left.consume(owed);
  if (!left.fit_one_record()) socket.begin_gather();
  bool blocked = false;
  size_t taken = 0;
  while (!left.empty()) {
    blocked = !socket.has_room() && !flush_gathered(ssl, socket, result);
    if (blocked || !write_record(ssl, left, taken, result)) break;
    socket.set_owed(socket.owed() + taken);
  }
  socket.end_gather();
  if (!blocked) flush_gathered(ssl, socket, result);
  return result;
}

}  // namespace

void tls_use_socket(SSL* ssl) {
  if (!SocketBio::of(ssl)) SocketBio::install(ssl);
}

void tls_forget_shortage(const SSL* ssl) {
  if (SocketBio* const socket = SocketBio::of(ssl)) socket->clear_starved();
}

int tls_shortage(const SSL* ssl) {
  const SocketBio* const socket = SocketBio::of(ssl);
  return socket ? socket->starved() : 0;
}

void tls_begin_bulk(SSL* ssl) {
  tls_use_socket(ssl);
  if (!tuning().gather) return;
  SSL_set_default_read_buffer_len(ssl, kReadAhead);
  SSL_set_read_ahead(ssl, 1);
}

IoResult tls_read(SSL* ssl, uint8_t* buffer, size_t size, bool short_means_empty) {
  IoResult result;
  forget_errors();
  SocketBio* const socket = SocketBio::of(ssl);
  if (socket) {
    socket->clear_starved();
    socket->begin_read(short_means_empty);
  }
  while (result.bytes < size) {
    size_t got = 0;
    const int returned = SSL_read_ex(ssl, buffer + result.bytes, size - result.bytes, &got);
    if (returned <= 0) {
      set_state(result, ssl, returned);
      break;
    }
    result.bytes += got;
  }
  if (socket) result.starved = socket->starved();
  return result;
}

IoResult tls_write(SSL* ssl, const struct iovec* pieces, size_t count) {
  forget_errors();
  Pieces left(pieces, count);
  SocketBio* socket = SocketBio::of(ssl);
  if (!socket) return write_directly(ssl, left);
  socket->clear_starved();
  IoResult result = write_gathered(ssl, *socket, left);
  result.starved = socket->starved();
  return result;
}

}  // namespace vws
