#include "engine/net/proxy.h"

#include "engine/net/http_tunnel.h"
#include "engine/net/socks5_tunnel.h"

namespace vws {

std::unique_ptr<TunnelHandshake> make_tunnel_handshake(const ProxyOptions& proxy,
                                                       const std::string& target, uint16_t port) {
  if (proxy.type == ProxyType::kSocks5) {
    return std::make_unique<Socks5Tunnel>(proxy, target, port);
  }
  return std::make_unique<HttpTunnel>(proxy, target, port);
}

}  // namespace vws
