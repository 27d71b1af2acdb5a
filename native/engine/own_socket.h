#pragma once

#include <memory>
#include <utility>

#include "engine/net/unique_fd.h"
#include "engine/tls/openssl_ptr.h"
#include "engine/transport.h"

namespace vws {

// A socket that is our own, with or without TLS: a server's.
class OwnSocket final : public SocketTransport {
 public:
  // admission: let go when TCP has ended. Any thread.
  OwnSocket(EventLoop& loop, UniqueFd socket, SslPtr ssl = nullptr,
            std::shared_ptr<void> admission = nullptr)
      : loop_(loop),
        admission_(std::move(admission)),
        socket_(std::move(socket)),
        ssl_(std::move(ssl)) {}

  int fd() const override { return socket_.get(); }
  ssl_st* ssl() const override { return ssl_.get(); }
  bool begin(IoHandler* handler) override {
    return loop_.watch(socket_.get(), kReadable | kEdge, handler);
  }
  bool watch_writable(IoHandler* handler) override {
    return loop_.watch(socket_.get(), kReadable | kWritable | kEdge, handler);
  }
  void close() override {
    loop_.unwatch(socket_.get());
    ssl_.reset();
    socket_.reset();
    admission_.reset();
  }

 private:
  EventLoop& loop_;
  std::shared_ptr<void> admission_;
  UniqueFd socket_;
  SslPtr ssl_;  // goes before the socket that it writes to
};

}  // namespace vws
