#pragma once

#include <memory>
#include <string>

#include "engine/base/loop.h"
#include "engine/events.h"
#include "engine/net/connector.h"
#include "engine/opening.h"
#include "engine/upgrade.h"

namespace vws {

class Service;

// A client's way to an open connection: name, TCP, proxies, TLS, the HTTP upgrade. Adds the records that tell
// JavaScript of it (Certificate, Established). Service thread.
class ClientOpening final : private UpgradeListener {
 public:
  // timeout: for all of it; 0: none.
  ClientOpening(Service& service, int32_t id, SocketOptions socket, UpgradeRequest request,
                Milliseconds timeout, OpeningListener& listener);
  ~ClientOpening() override;
  ClientOpening(const ClientOpening&) = delete;
  ClientOpening& operator=(const ClientOpening&) = delete;

  void start();
  // Nothing is told any more.
  void give_up() { given_up_ = true; }
  // JavaScript's verdict on the certificate; empty: accepted.
  void judge(const std::string& error);
  // The server's answer, as far as there was one.
  UpgradeResponse take_response();

 private:
  // UpgradeListener
  void on_established() override;
  void on_upgrade_failed(ConnectionFailure failure) override;
  void on_refused(ConnectionFailure failure) override;
  void on_certificate() override;

  void on_connected(ConnectResult result);
  void on_timeout();
  void fail(ConnectionFailure failure);
  EstablishedValue established_value();
  void log_latency(const char* what) const;

  Service& service_;
  const int32_t id_;
  OpeningListener& listener_;
  const Milliseconds timeout_;
  SocketOptions socket_;
  UpgradeRequest request_;
  Address local_, peer_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Upgrade> upgrade_;
  UpgradeResponse refusal_;
  EventLoop::TimerId timer_ = 0;
  TimePoint began_;
  bool given_up_ = false;
};

}  // namespace vws
