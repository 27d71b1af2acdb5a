#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/net/http_response_head.h"
#include "engine/net/tunnel_base.h"

namespace vws {

// A tunnel by HTTP CONNECT (RFC 9110 §9.3.6).
class HttpTunnel : public TunnelBase {
 public:
  HttpTunnel(const ProxyOptions& proxy, const std::string& target, uint16_t port);
  Progress on_ready(int fd) override;

 private:
  Progress read_answer(int fd);
  Progress judge();

  std::string problem_;      // why there is no request
  bool authorized_ = false;  // credentials were sent
  // Many proxies answer as HTTP/1.0.
  HttpResponseHead head_{HttpResponseHead::Versions::kAny};
  HttpResponseHead::State state_ = HttpResponseHead::State::kMore;
  // Bytes that the head has taken, and that are still in the socket: exactly those are received.
  size_t understood_ = 0;
};

}  // namespace vws
