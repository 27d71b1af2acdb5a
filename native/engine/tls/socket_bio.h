#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace vws {

// What OpenSSL reads from and writes to once a connection stands, instead of a socket BIO of its
// own. Records of one write are gathered and go out together, eight to a system call; and a read
// that brings less than there was room for needs no second one to learn that the socket is empty.
// One thread, that of the connection.
class SocketBio {
 public:
  enum class Flushed { kAll, kBlocked, kFailed };  // kFailed: errno says why

  // Puts one in place of the SSL's socket BIO. False if there is none, or no memory: all is as it
  // was.
  static bool install(SSL* ssl);
  // That of an SSL, or null.
  static SocketBio* of(const SSL* ssl);

  // From begin_gather() to end_gather() records are kept together. flush() sends them; what the
  // socket does not take stays, and goes first the next time.
  void begin_gather();
  bool has_room() const;  // for another record
  Flushed flush();
  void end_gather() { gathering_ = false; }

  // Plaintext bytes that are encrypted, but not on their way yet, and not counted as written.
  size_t owed() const { return owed_; }
  void set_owed(size_t bytes) { owed_ = bytes; }

  // The errno of the last call if the system was short of memory: it counts as blocked, but the socket
  // will not tell when to go on. Forgotten by clear_starved().
  int starved() const { return starved_; }
  void clear_starved() { starved_ = 0; }

  // For the reads that follow: whether a short one means that the socket is empty.
  void begin_read(bool short_means_empty);

 private:
  using GatherBuffer = std::unique_ptr<uint8_t[]>;

  explicit SocketBio(int fd) : fd_(fd) {}

  static BIO_METHOD* method();
  static int on_write(BIO* bio, const char* data, int size);
  static int on_read(BIO* bio, char* buffer, int size);
  static long on_control(BIO* bio, int command, long number, void* pointer);
  static int on_destroy(BIO* bio);

  int write(BIO* bio, const char* data, size_t size);
  int read(BIO* bio, char* buffer, size_t size);
  long send_some(const uint8_t* data, size_t size);
  bool may_pass(int error);

  int fd_;
  bool ended_ = false;
  bool short_means_empty_ = false;
  bool empty_ = false;
  bool gathering_ = false;
  GatherBuffer buffer_;  // null while there is nothing to send
  size_t begin_ = 0;     // what of it has been sent
  size_t end_ = 0;       // what of it is filled
  size_t owed_ = 0;
  int starved_ = 0;
};

}  // namespace vws
