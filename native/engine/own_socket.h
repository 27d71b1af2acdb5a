#pragma once

#include <memory>
#include <utility>

#include "engine/os/unique_fd.h"
#include "engine/tls/openssl_ptr.h"
#include "engine/transport.h"

namespace vws {

// The place that a connection takes up with whoever has let it in; taken up for as long as this lives.
using Place = std::shared_ptr<void>;

// A socket that is our own, with or without TLS: a server's.
class OwnSocket final : public SocketTransport {
 public:
  // place: let go when TCP has ended.
  OwnSocket(EventLoop& loop, UniqueFd socket, SslPtr ssl = nullptr, Place place = nullptr)
      : loop_(loop), place_(std::move(place)), socket_(std::move(socket)), ssl_(std::move(ssl)) {}

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
    place_.reset();
  }

 private:
  EventLoop& loop_;
  Place place_;
  UniqueFd socket_;
  SslPtr ssl_;  // goes before the socket that it writes to
};

}  // namespace vws
