#include "engine/transport.h"

#include <openssl/ssl.h>

#include <cerrno>
#include <utility>

#include "engine/net/io_errors.h"
#include "engine/os/error_names.h"
#include "engine/os/socket.h"
#include "engine/tls/tls_io.h"

namespace vws {

namespace {

Transfer read_plain(int fd, struct iovec* pieces, int count, bool peer_closed) {
  Transfer transfer;
  size_t room = 0;
  for (int i = 0; i < count; ++i) room += pieces[i].iov_len;
  ssize_t got;
  do {
    got = os::receive(fd, pieces, count);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    transfer.bytes = static_cast<size_t>(got);
    // A short read means that the socket is empty: new data is a new edge. Only the end of the stream,
    // once announced, is not announced again.
    transfer.drained = transfer.bytes < room && !peer_closed;
  } else if (got == 0) {
    transfer.ended = true;
  } else if (is_blocked(errno)) {
    transfer.drained = true;
  } else if (is_starved(errno)) {
    transfer.starved = errno;
  } else {
    transfer.ended = true;
    transfer.detail = "read " + errno_name(errno);
  }
  return transfer;
}

bool is_over(const IoResult& result) {
  return result.state == IoResult::kClosed || result.state == IoResult::kEof ||
         result.state == IoResult::kError;
}

// Over TLS either direction may wait for the other.
Transfer of_tls(const IoResult& result) {
  Transfer transfer;
  transfer.bytes = result.bytes;
  transfer.sealed = result.sealed;
  transfer.starved = result.starved;
  transfer.drained = !result.starved &&
                     (result.state == IoResult::kWantRead || result.state == IoResult::kWantWrite);
  transfer.ended = is_over(result);
  return transfer;
}

std::string words_of(const IoResult& result) {
  return result.failure.code + ": " + result.failure.detail;
}

Transfer read_tls(SSL* ssl, const struct iovec& piece, bool peer_closed) {
  const IoResult result =
      tls_read(ssl, static_cast<uint8_t*>(piece.iov_base), piece.iov_len, !peer_closed);
  Transfer transfer = of_tls(result);
  if (result.state == IoResult::kError) transfer.detail = words_of(result);
  return transfer;
}

Transfer write_plain(int fd, const struct iovec* pieces, size_t count) {
  Transfer transfer;
  ssize_t sent;
  do {
    sent = os::send(fd, pieces, count);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    transfer.bytes = static_cast<size_t>(sent);
  } else if (is_blocked(errno)) {
    transfer.drained = true;
  } else if (is_starved(errno)) {
    transfer.starved = errno;
  } else {
    transfer.ended = true;
    transfer.detail = "write " + errno_name(errno);
  }
  return transfer;
}

Transfer write_tls(SSL* ssl, const struct iovec* pieces, size_t count) {
  const IoResult result = tls_write(ssl, pieces, count);
  Transfer transfer = of_tls(result);
  if (transfer.ended) transfer.detail = "write " + words_of(result);
  return transfer;
}

}  // namespace

Transfer read_socket(int fd, ssl_st* ssl, struct iovec* pieces, int count, bool peer_closed) {
  return ssl ? read_tls(ssl, pieces[0], peer_closed) : read_plain(fd, pieces, count, peer_closed);
}

Transfer write_socket(int fd, ssl_st* ssl, const struct iovec* pieces, size_t count) {
  return ssl ? write_tls(ssl, pieces, count) : write_plain(fd, pieces, count);
}

Transfer SocketTransport::read(struct iovec* pieces, int count, bool peer_closed) {
  return read_socket(fd(), ssl(), pieces, count, peer_closed);
}

Transfer SocketTransport::write(const struct iovec* pieces, size_t count) {
  return write_socket(fd(), ssl(), pieces, count);
}

void SocketTransport::shut_down() {
  if (std::exchange(shut_, true)) return;
  if (ssl()) SSL_shutdown(ssl());
  os::end_sending(fd());
}

}  // namespace vws
