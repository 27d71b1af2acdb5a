#pragma once

#include <string>

#include "engine/net/tunnel_base.h"

namespace vws {

// A tunnel by SOCKS version 5 (RFC 1928), with a user name and a password (RFC 1929) or without.
// Numeric targets are sent as addresses, others as names for the proxy to look up.
class Socks5Tunnel : public TunnelBase {
 public:
  Socks5Tunnel(const ProxyOptions& proxy, const std::string& target, uint16_t port);
  Progress on_ready(int fd) override;

 private:
  // Whose answer is awaited.
  enum class Stage { kGreeting, kCredentials, kRequest };

  void prepare_credentials(const std::string& auth);
  void prepare_request(const std::string& target, uint16_t port);
  // Looks at what has come. kPending: more is needed, or something is to be sent.
  Progress on_input();
  Progress on_version();
  Progress on_method();
  Progress on_credentials_answer();
  Progress on_reply();
  void ask(Stage stage, std::string bytes);

  std::string problem_;      // why nothing can be sent
  std::string credentials_;  // empty: none
  std::string request_;
  Stage stage_ = Stage::kGreeting;
  std::string in_;
  size_t need_ = 0;  // bytes in_ must have before on_input()
};

}  // namespace vws
