#pragma once

// A WebSocket server for tests of the engine: one thread for each connection, blocking, loopback only. It
// makes the handshake and echoes frames as they come.

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/system.h"

namespace vws::test {

class EchoServer {
 public:
  enum class Mode {
    kEcho,
    kSilent,   // accepts and never answers
    kHangUp,   // closes after the handshake
    kGarbage,  // answers the handshake with something else
    kAmplify,  // sends back a message of more than 1,000 bytes kTimes times
  };

  static constexpr int kTimes = 40;

  // With tls it speaks TLS.
  explicit EchoServer(Mode mode = Mode::kEcho, SSL_CTX* tls = nullptr)
      : mode_(mode), tls_(tls), listener_(blocking_socket(AF_INET)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* const generic = reinterpret_cast<sockaddr*>(&address_);
    if (os::bind_socket(listener_.get(), generic, size) != 0 ||
        os::listen_on(listener_.get(), 1024) != 0)
      return;
    os::local_address(listener_.get(), generic, &size);
    accepting_ = std::thread([this] { accept_all(); });
  }

  ~EchoServer() {
    ending_ = true;
    // The thread waits for whoever comes.
    const UniqueFd last = blocking_socket(AF_INET);
    connect_blocking(last.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
    accepting_.join();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (const int fd : open_) shut_down(fd);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  struct Stream {
    int fd;
    SSL* ssl;  // null: plain
  };

  void accept_all() {
    for (;;) {
      const int fd = os::accept_stream(listener_.get(), nullptr, nullptr);
      if (ending_) return os::close_descriptor(fd);
      if (fd < 0) continue;
      set_blocking(fd);
      const std::lock_guard<std::mutex> lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] {
        Stream stream{fd, tls_ ? SSL_new(tls_) : nullptr};
        if (stream.ssl) SSL_set_fd(stream.ssl, fd);
        if (!stream.ssl || SSL_accept(stream.ssl) == 1) serve(stream);
        SSL_free(stream.ssl);
        const std::lock_guard<std::mutex> closing(mutex_);
        for (int& entry : open_) {
          if (entry == fd) entry = -1;
        }
        os::close_descriptor(fd);
      });
    }
  }

  static bool send_all(const Stream& stream, const std::string& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const char* const data = bytes.data() + done;
      const size_t left = bytes.size() - done;
      const ssize_t n = stream.ssl ? SSL_write(stream.ssl, data, static_cast<int>(left))
                                   : os::send(stream.fd, data, left);
      if (n <= 0) return false;
      done += static_cast<size_t>(n);
    }
    return true;
  }

  static bool receive_more(const Stream& stream, std::string& into) {
    char buffer[65536];
    const ssize_t n = stream.ssl ? SSL_read(stream.ssl, buffer, sizeof buffer)
                                 : os::receive(stream.fd, buffer, sizeof buffer);
    if (n <= 0) return false;
    into.append(buffer, static_cast<size_t>(n));
    return true;
  }

  static std::string accept_value(const std::string& request) {
    const std::string name = "Sec-WebSocket-Key: ";
    const size_t at = request.find(name);
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size();
    const std::string key = request.substr(begin, request.find("\r\n", begin) - begin);
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    unsigned char encoded[64];
    const int length = EVP_EncodeBlock(encoded, digest, sizeof digest);
    return std::string(reinterpret_cast<char*>(encoded), static_cast<size_t>(length));
  }

  void serve(const Stream& stream) {
    std::string bytes;
    size_t end;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!receive_more(stream, bytes)) return;
    }
    if (mode_ == Mode::kSilent) {
      while (receive_more(stream, bytes)) {
      }
      return;
    }
    if (mode_ == Mode::kGarbage) {
      send_all(stream, "SMTP ready\r\n\r\n");
      return;
    }
    send_all(stream,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
             "Upgrade\r\nSec-WebSocket-Accept: " +
                 accept_value(bytes) + "\r\n\r\n");
    if (mode_ == Mode::kHangUp) return;
    bytes.erase(0, end + 4);
    for (;;) {
      const bool closing = echo_frames(stream, bytes);
      if (closing || !receive_more(stream, bytes)) return;
    }
  }

  // True after a Close frame.
  bool echo_frames(const Stream& stream, std::string& bytes) {
    std::string answer;
    bool closing = false;
    size_t at = 0;
    while (!closing && bytes.size() - at >= 6) {
      const auto* p = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
      size_t length = p[1] & 0x7f;
      size_t head = 2;
      if (length == 126) {
        length = static_cast<size_t>(p[2]) << 8 | p[3];
        head = 4;
      } else if (length == 127) {
        if (bytes.size() - at < 14) break;
        length = 0;
        for (int i = 2; i < 10; ++i) length = length << 8 | p[i];
        head = 10;
      }
      if (bytes.size() - at < head + 4 + length) break;
      std::string frame;
      frame += static_cast<char>(p[0]);
      frame += static_cast<char>(p[1] & 0x7f);
      frame.append(bytes, at + 2, head - 2);
      for (size_t i = 0; i < length; ++i) {
        frame += static_cast<char>(p[head + 4 + i] ^ p[head + i % 4]);
      }
      const int times = mode_ == Mode::kAmplify && length > 1000 ? kTimes : 1;
      for (int i = 0; i < times; ++i) answer += frame;
      closing = (p[0] & 0x0f) == 8;
      at += head + 4 + length;
    }
    bytes.erase(0, at);
    send_all(stream, answer);
    return closing;
  }

  const Mode mode_;
  SSL_CTX* const tls_;
  UniqueFd listener_;
  sockaddr_in address_{};
  std::atomic<bool> ending_{false};
  std::thread accepting_;
  std::mutex mutex_;
  std::vector<int> open_;             // guarded by mutex_
  std::vector<std::thread> threads_;  // guarded by mutex_
};

}  // namespace vws::test
