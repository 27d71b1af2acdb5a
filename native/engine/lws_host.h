#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/base/loop.h"
#include "engine/os/unique_fd.h"
#include "engine/tls/openssl_ptr.h"

struct lws;
struct lws_context;
struct lws_vhost;

namespace vws {

class Upgrade;

// The engine's context on one event loop, driven from outside: the engine tells which descriptors it
// wants watched (LWS_CALLBACK_ADD_POLL_FD and its kin) and gets its events by lws_service_fd(). It does
// the handshakes. An established connection's descriptor is watched by the connection itself, which
// reads and writes it directly, while the engine keeps the wsi until kill().
//
// Everything runs on the loop's thread.
class LwsHost : private IoHandler {
 public:
  explicit LwsHost(EventLoop& loop);
  ~LwsHost() override;
  LwsHost(const LwsHost&) = delete;
  LwsHost& operator=(const LwsHost&) = delete;

  // False if the engine could not be started.
  bool ok() const { return context_ != nullptr; }

  // Starts the handshake on a connected socket. What becomes of it is told to the upgrade's listener,
  // possibly before this returns.
  void start(Upgrade& upgrade, UniqueFd socket);

  // The descriptor is the connection's own from here on: the engine's wishes for it are ignored. False if
  // the kernel does not watch it.
  bool hand_over(lws* wsi, IoHandler* handler);

  // The rest of the upgrade's request is to be written as its socket takes it.
  void write_later(Upgrade& upgrade);

  // The handshake waits for somebody else than the peer: whatever that sends stays in the socket, and wakes nobody up,
  // until go_on(). The engine looks at the connection then as if its descriptor had turned ready.
  void hold(Upgrade& upgrade);
  void go_on(Upgrade& upgrade);
  // It is held for so long.
  void rest(Upgrade& upgrade, Milliseconds time);

  // Ends TCP and frees the wsi, in whatever state it is.
  void kill(lws* wsi);

  // The engine's callback, and those of it that concern this host.
  int on_poll_callback(lws* wsi, int reason, void* arguments);

 private:
  void on_ready(int fd, uint32_t readiness) override;
  // A descriptor that the engine waits on: a handshake under way, or its own wake-up pipe.
  struct Waiting {
    uint32_t wanted = 0;              // readiness it waits for
    std::optional<uint32_t> watched;  // what the loop watches it for
    Upgrade* upgrade = nullptr;       // null: none of ours
    bool writing = false;             // its request is not out yet
    bool held = false;                // is not to be watched
    EventLoop::TimerId rest = 0;      // until then
  };
  bool watch(int fd, Waiting& waiting);
  void forget(int fd);
  void end_rest(int fd);
  bool write_request(int fd, uint32_t& readiness);
  void end_if_failed(Upgrade& upgrade);

  EventLoop& loop_;
  std::unordered_map<int, Waiting> waiting_;
  SslCtxPtr tls_context_;  // outlives context_, which uses it
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
};

// Version of the engine that is linked in, "4.1.6".
std::string engine_version();

}  // namespace vws
