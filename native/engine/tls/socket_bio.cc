#include "engine/tls/socket_bio.h"

#include <openssl/bio.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "engine/net/io_errors.h"
#include "engine/os/socket.h"
#include "engine/ws/tuning.h"

namespace vws {

namespace {

// The longest record: 2^14 bytes of plaintext, and what TLS 1.2 allows to be put around it.
constexpr size_t kMaxSealedRecord = 16 * 1024 + 2048 + 5;

// A record of today's ciphers is 16406 bytes long; eight of them go together.
constexpr size_t kGatherSize = 8 * (16 * 1024 + 64) + kMaxSealedRecord;

// Says that there is a descriptor, so that SSL_get_fd(), which the engine calls, finds it.
int type_of_bio() {
  static const int type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR;
  return type;
}

// Buffers of this thread that no connection needs now. One that is blocked keeps its own.
class Spares {
 public:
  using Buffer = std::unique_ptr<uint8_t[]>;

  // Null without memory.
  Buffer take() {
    for (Buffer& spare : spares_) {
      if (spare) return std::exchange(spare, nullptr);
    }
    return Buffer(new (std::nothrow) uint8_t[kGatherSize]);
  }

  void give(Buffer buffer) {
    for (Buffer& spare : spares_) {
      if (spare) continue;
      spare = std::move(buffer);
      return;
    }
  }

 private:
  Buffer spares_[2];
};

Spares& spares() {
  static thread_local Spares mine;
  return mine;
}

}  // namespace

bool SocketBio::install(SSL* ssl) {
  const int fd = SSL_get_fd(ssl);
  if (fd < 0 || !method()) return false;
  BIO* bio = BIO_new(method());
  if (!bio) return false;
  BIO_set_data(bio,
               std::unique_ptr<SocketBio>(new SocketBio(fd)).release());  // on_destroy() frees it
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return true;
}

SocketBio* SocketBio::of(const SSL* ssl) {
  BIO* bio = SSL_get_wbio(ssl);
  const bool is_ours = bio && BIO_method_type(bio) == type_of_bio();
  return is_ours ? static_cast<SocketBio*>(BIO_get_data(bio)) : nullptr;
}

BIO_METHOD* SocketBio::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(type_of_bio(), "gathering socket");
    if (!method) return method;
    BIO_meth_set_write(method, on_write);
    BIO_meth_set_read(method, on_read);
    BIO_meth_set_ctrl(method, on_control);
    BIO_meth_set_destroy(method, on_destroy);
    return method;
  }();
  return made;
}

int SocketBio::on_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  return static_cast<SocketBio*>(BIO_get_data(bio))->write(bio, data, static_cast<size_t>(size));
}

int SocketBio::on_read(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  return static_cast<SocketBio*>(BIO_get_data(bio))->read(bio, buffer, static_cast<size_t>(size));
}

long SocketBio::on_control(BIO* bio, int command, long, void* pointer) {
  const auto* self = static_cast<const SocketBio*>(BIO_get_data(bio));
  switch (command) {
    case BIO_C_GET_FD:
      if (pointer) *static_cast<int*>(pointer) = self->fd_;
      return self->fd_;
    case BIO_CTRL_EOF:
      return self->ended_ ? 1 : 0;
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
      return 1;
    default:
      return 0;
  }
}

int SocketBio::on_destroy(BIO* bio) {
  const std::unique_ptr<SocketBio> owner(static_cast<SocketBio*>(BIO_get_data(bio)));
  BIO_set_data(bio, nullptr);
  return 1;
}

// ---- Out

// Without memory records go out one by one.
void SocketBio::begin_gather() {
  if (!tuning().gather) return;
  if (!buffer_) buffer_ = spares().take();
  gathering_ = buffer_ != nullptr;
}

bool SocketBio::has_room() const { return !gathering_ || kGatherSize - end_ >= kMaxSealedRecord; }

// Bytes taken; -1 with errno.
long SocketBio::send_some(const uint8_t* data, size_t size) {
  for (;;) {
    const ssize_t sent = os::send(fd_, data, size);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

// Whether the same call may succeed later. Leaves errno alone.
bool SocketBio::may_pass(int error) {
  if (is_blocked(error)) return true;
  if (!is_starved(error)) return false;
  starved_ = error;
  return true;
}

SocketBio::Flushed SocketBio::flush() {
  while (begin_ < end_) {
    const long sent = send_some(buffer_.get() + begin_, end_ - begin_);
    if (sent < 0) return may_pass(errno) ? Flushed::kBlocked : Flushed::kFailed;
    begin_ += static_cast<size_t>(sent);
  }
  begin_ = end_ = 0;
  if (buffer_ && !gathering_) spares().give(std::move(buffer_));
  return Flushed::kAll;
}

int SocketBio::write(BIO* bio, const char* data, size_t size) {
  if (gathering_ && kGatherSize - end_ >= size) {
    memcpy(buffer_.get() + end_, data, size);
    end_ += size;
    return static_cast<int>(size);
  }
  // What OpenSSL sends of its own accord (an alert, an answer to a change of keys) waits its turn.
  long sent = -1;
  if (flush() == Flushed::kAll) sent = send_some(reinterpret_cast<const uint8_t*>(data), size);
  if (sent < 0 && may_pass(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

// ---- In

void SocketBio::begin_read(bool short_means_empty) {
  short_means_empty_ = short_means_empty;
  empty_ = false;
}

int SocketBio::read(BIO* bio, char* buffer, size_t size) {
  if (empty_) {
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t got = 0;
  do {
    got = os::receive(fd_, buffer, size);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    empty_ = short_means_empty_ && static_cast<size_t>(got) < size;
  } else if (got == 0) {
    ended_ = true;
  } else if (may_pass(errno)) {
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(got);
}

}  // namespace vws
