#include "transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace bench {

namespace {

// Several TLS records a system call.
constexpr size_t kTlsReadBuffer = 64 * 1024;
// SSL_write takes an int.
constexpr size_t kMostTlsWrite = 1 << 20;
// Larger writes are several records, which go out together.
constexpr size_t kRecord = 16 * 1024;
constexpr int kTlsWriteBuffer = 8 * (16 * 1024 + 64);

}  // namespace

void tune(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kTlsReadBuffer);
}

Transport::Transport(FileDescriptor socket, SSL_CTX* context, Role role)
    : socket_(std::move(socket)), handshaken_(context == nullptr) {
  if (context == nullptr) return;
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), socket_.get());
  if (role == Role::kServer) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

Transport::Status Transport::handshake() {
  if (handshaken_) return Status::kOk;
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return tls_status(result);
  handshaken_ = true;
  return Status::kOk;
}

Transport::Result Transport::read(uint8_t* data, size_t size) {
  return ssl_ ? read_tls(data, size) : read_plain(data, size);
}

Transport::Result Transport::read_plain(uint8_t* data, size_t size) {
  const ssize_t got = recv(socket_.get(), data, size, 0);
  if (got > 0) return {Status::kOk, static_cast<size_t>(got)};
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {Status::kWantRead, 0};
  return {Status::kClosed, 0};
}

// A record at a time is what OpenSSL gives: collect them, so that one write answers all.
Transport::Result Transport::read_tls(uint8_t* data, size_t size) {
  size_t total = 0;
  while (total < size) {
    const int got = SSL_read(ssl_.get(), data + total, static_cast<int>(size - total));
    if (got <= 0) {
      if (total > 0) break;
      return {tls_status(got), 0};
    }
    total += static_cast<size_t>(got);
  }
  return {Status::kOk, total};
}

// A buffer between OpenSSL, which writes each record by itself, and the socket.
void Transport::gather_records() {
  BIO* const buffer = BIO_new(BIO_f_buffer());
  BIO* const socket = BIO_new_socket(socket_.get(), BIO_NOCLOSE);
  BIO_set_write_buffer_size(buffer, kTlsWriteBuffer);
  SSL_set0_wbio(ssl_.get(), BIO_push(buffer, socket));
  gathers_ = true;
}

Transport::Status Transport::flush() {
  if (!gathers_) return Status::kOk;
  BIO* const buffer = SSL_get_wbio(ssl_.get());
  if (BIO_flush(buffer) > 0) return Status::kOk;
  return BIO_should_retry(buffer) ? Status::kWantWrite : Status::kClosed;
}

Transport::Result Transport::write(const uint8_t* data, size_t size) {
  size_t total = 0;
  if (ssl_ && size > kRecord && !gathers_) gather_records();
  if (const Status status = flush(); status != Status::kOk) return {status, 0};
  while (total < size) {
    if (ssl_) {
      const size_t piece = std::min(size - total, kMostTlsWrite);
      const int put = SSL_write(ssl_.get(), data + total, static_cast<int>(piece));
      if (put <= 0) return {tls_status(put), total};
      total += static_cast<size_t>(put);
    } else {
      const ssize_t put = send(socket_.get(), data + total, size - total, MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return {errno == EAGAIN ? Status::kWantWrite : Status::kClosed, total};
      total += static_cast<size_t>(put);
    }
  }
  return {flush(), total};
}

void Transport::reset_on_close() {
  const linger now = {1, 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Transport::Status Transport::tls_status(int result) const {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Status::kWantRead;
  if (error == SSL_ERROR_WANT_WRITE) return Status::kWantWrite;
  ERR_clear_error();
  return Status::kClosed;
}

}  // namespace bench
