#pragma once

#include <memory>

#include "engine/lws_host.h"
#include "engine/transport.h"
#include "engine/upgrade.h"

namespace vws {

// The socket of a client's connection: the engine has the wsi, and its SSL, to the end.
class LwsTransport final : public SocketTransport {
 public:
  // Inside the engine, when it has established the connection.
  LwsTransport(EventLoop& loop, LwsHost& host, std::unique_ptr<Upgrade> upgrade);

  int fd() const override { return fd_; }
  ssl_st* ssl() const override { return ssl_; }
  bool begin(IoHandler* handler) override;
  bool watch_writable(IoHandler* handler) override;
  void settle() override;
  void close() override;

 private:
  EventLoop& loop_;
  LwsHost& host_;
  std::unique_ptr<Upgrade> upgrade_;     // until the engine has returned
  std::unique_ptr<TlsVerdict> verdict_;  // on which TLS's later sessions depend
  lws* wsi_;
  int fd_;
  ssl_st* ssl_;
};

}  // namespace vws
