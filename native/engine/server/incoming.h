#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/loop.h"
#include "engine/base/shortage.h"
#include "engine/http/request_head.h"
#include "engine/net/address.h"
#include "engine/os/unique_fd.h"
#include "engine/tls/openssl_ptr.h"
#include "engine/tls/server_tls.h"

namespace vws {

class Admission;
class Listener;

// A connection that a listener has accepted, until its request has come whole: a header of the
// PROXY protocol, TLS, then the head. It ends as a
// Connection that waits for a decision, or is answered and closed here. Everything runs on the thread that holds the
// service.
class Incoming final : private IoHandler {
 public:
  Incoming(Listener& listener, UniqueFd socket, const Address& peer,
           std::shared_ptr<const ServerTls> tls, std::shared_ptr<Admission> admission);
  ~Incoming() override;
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  // May end it, and so destroy it; as may every event.
  void start();

  size_t place = 0;  // in the listener's list

 private:
  enum class Step { kProxyHeader, kTls, kHead, kAnswering, kLingering };

  void on_ready(int fd, uint32_t readiness) override;
  // Each false when it has ended, and this is gone.
  bool go_on();
  bool read_proxy_header();
  bool begin_tls();
  bool shake_hands();
  bool read_head();
  void count_bad_head();
  bool go_on_answering();
  bool linger_on();
  bool admit_client();
  void hand_over(std::vector<uint8_t> early);
  bool answer(int status, const char* text, const std::string& more_headers,
              const std::string& body);
  bool finish();
  bool watch(bool also_for_writing);
  bool rest();

  Listener& listener_;
  std::shared_ptr<Admission> admission_;
  UniqueFd socket_;
  Address peer_;   // or what the header of the PROXY protocol says
  Address local_;  // likewise; empty: the socket's
  std::shared_ptr<const ServerTls> tls_;
  SslPtr ssl_;
  RequestHead head_;
  std::string answer_;
  Step step_;
  bool watches_writable_ = false;
  std::vector<uint8_t> proxy_header_;  // what has come of it
  size_t discarded_ = 0;
  Shortage shortage_;
  EventLoop::TimerId rest_timer_ = 0;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace vws
