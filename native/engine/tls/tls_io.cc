#include "engine/tls/tls_io.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "engine/tls/failure.h"

namespace vws {

namespace {

constexpr size_t kMaxRecord = 16 * 1024;  // of plaintext, RFC 8446 §5.1

// Room for several records, so that one system call brings them.
constexpr size_t kReadAhead = 64 * 1024;

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

  // The next bytes, at most a record's worth, in one place: where they are, or in the scratch buffer if
  // they are in several pieces.
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

}  // namespace

void tls_begin_bulk(SSL* ssl) {
  SSL_set_default_read_buffer_len(ssl, kReadAhead);
  SSL_set_read_ahead(ssl, 1);
}

IoResult tls_read(SSL* ssl, uint8_t* buffer, size_t size) {
  IoResult result;
  forget_errors();
  while (result.bytes < size) {
    size_t got = 0;
    const int returned = SSL_read_ex(ssl, buffer + result.bytes, size - result.bytes, &got);
    if (returned <= 0) {
      set_state(result, ssl, returned);
      break;
    }
    result.bytes += got;
  }
  return result;
}

IoResult tls_write(SSL* ssl, const struct iovec* pieces, size_t count) {
  IoResult result;
  forget_errors();
  uint8_t scratch[kMaxRecord];
  Pieces left(pieces, count);
  while (!left.empty()) {
    size_t size = 0;
    const uint8_t* data = left.next_record(scratch, &size);
    size_t taken = 0;
    const int returned = SSL_write_ex(ssl, data, size, &taken);
    if (returned <= 0) {
      set_state(result, ssl, returned);
      if (result.state == IoResult::kWantWrite || result.state == IoResult::kWantRead) {
        result.sealed = size;
      }
      break;
    }
    result.bytes += taken;
    left.consume(taken);
  }
  return result;
}

}  // namespace vws
