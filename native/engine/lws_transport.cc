#include "engine/lws_transport.h"

#include <utility>

#include "engine/lws_compat.h"

namespace vws {

LwsTransport::LwsTransport(EventLoop& loop, LwsHost& host, std::unique_ptr<Upgrade> upgrade)
    : loop_(loop),
      host_(host),
      upgrade_(std::move(upgrade)),
      wsi_(upgrade_->wsi()),
      fd_(lws_get_socket_fd(wsi_)),
      ssl_(upgrade_->request().secure ? static_cast<ssl_st*>(lws_get_ssl(wsi_)) : nullptr) {}

bool LwsTransport::begin(IoHandler* handler) { return host_.hand_over(wsi_, handler); }

bool LwsTransport::watch_writable(IoHandler* handler) {
  return loop_.watch(fd_, kReadable | kWritable | kEdge, handler);
}

// Ten thousand idle connections notice what is kept of the handshake.
void LwsTransport::settle() {
  if (!upgrade_) return;
  wsi_ = upgrade_->wsi();
  verdict_ = upgrade_->dismiss();
  upgrade_.reset();
}

void LwsTransport::close() {
  // The engine may have closed it itself.
  if (upgrade_) wsi_ = upgrade_->wsi();
  if (wsi_) host_.kill(std::exchange(wsi_, nullptr));
  upgrade_.reset();
  verdict_.reset();
  fd_ = -1;
  ssl_ = nullptr;
}

}  // namespace vws
