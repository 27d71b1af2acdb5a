#include "engine/lws_host.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "engine/lws_compat.h"
#include "engine/os/lws_scope.h"
#include "engine/os/poll_events.h"
#include "engine/tls/client_context.h"
#include "engine/upgrade.h"

namespace vws {

namespace {

// Response headers larger than this are refused (Node's own limit is the same).
constexpr unsigned short kMaxResponseHeader = 16 * 1024;

// Handshakes at the same time; each has a header buffer of its own while it lasts.
constexpr unsigned short kMaxHandshakes = 32767;

// The engine's own frame parser is never reached, so its per-connection buffer is as small as it gets.
constexpr size_t kUnusedRxBuffer = 16;

int protocol_callback(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
  switch (static_cast<int>(reason)) {
    case LWS_CALLBACK_ADD_POLL_FD:
    case LWS_CALLBACK_DEL_POLL_FD:
    case LWS_CALLBACK_CHANGE_MODE_POLL_FD: {
      auto* host = static_cast<LwsHost*>(lws_context_user(lws_get_context(wsi)));
      return host ? host->on_poll_callback(wsi, reason, in) : 0;
    }
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      if (Upgrade* upgrade = Upgrade::of(wsi)) {
        const std::string words(static_cast<const char*>(in), in ? length : 0);
        // The engine counts the terminator of some of its texts.
        upgrade->engine_failed(words.c_str());
      }
      return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      if (Upgrade* upgrade = Upgrade::of(wsi)) upgrade->engine_established();
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      if (Upgrade* upgrade = Upgrade::of(wsi)) upgrade->attach(nullptr);
      return 0;
    // Our own offer goes out with the request (Upgrade::write), so the engine must make none.
    case LWS_CALLBACK_CLIENT_CONFIRM_EXTENSION_SUPPORTED:
      return 1;
    default:
      return 0;
  }
}

// The engine checks the server's answer against the extensions it knows, and calls this one. The
// parameters were judged before it got to see them (Upgrade::check_extensions), and payload never comes
// here: frames are ours.
int deflate_callback(lws_context*, const lws_extension*, lws*,
                     lws_extension_callback_reasons reason, void*, void* in, size_t) {
  static const lws_ext_options kOptions[] = {
      {"server_no_context_takeover", EXTARG_NONE},
      {"client_no_context_takeover", EXTARG_NONE},
      {"server_max_window_bits", EXTARG_OPT_DEC},
      {"client_max_window_bits", EXTARG_OPT_DEC},
      {nullptr, EXTARG_NONE},
  };
  switch (reason) {
    case LWS_EXT_CB_CLIENT_CONSTRUCT:
      *static_cast<const lws_ext_options**>(in) = kOptions;
      return 0;
    default:
      return 0;
  }
}

const lws_protocols kProtocols[] = {
    {"verawebsockets", protocol_callback, 0, kUnusedRxBuffer, 0, nullptr, 0},
    {nullptr, nullptr, 0, 0, 0, nullptr, 0},
};

const lws_extension kExtensions[] = {
    {"permessage-deflate", deflate_callback, "permessage-deflate"},
    {nullptr, nullptr, nullptr},
};

uint32_t interest_of(int events) {
  return ((events & os::kPollIn) ? static_cast<uint32_t>(kReadable) : 0u) |
         ((events & os::kPollOut) ? static_cast<uint32_t>(kWritable) : 0u);
}

}  // namespace

std::string engine_version() {
  // "4.1.6-<build>": what follows the number names the build.
  const std::string full = lws_get_library_version();
  return full.substr(0, full.find_first_of(" -"));
}

LwsHost::LwsHost(EventLoop& loop) : loop_(loop) {
  init_openssl();
  lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = kProtocols;
  info.extensions = kExtensions;
  info.gid = -1;
  info.uid = -1;
  info.user = this;
  info.max_http_header_data = kMaxResponseHeader;
  info.max_http_header_pool = kMaxHandshakes;
  info.pt_serv_buf_size = kMaxResponseHeader + 4096;
  // IPv6 is done by the connector, which makes all sockets (lws_hooks.h).
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6 |
                 LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  // Ours: the engine's own would look for the system's certificates, and 4.1 does not free it.
  tls_context_ = make_client_context();
  info.provided_client_ssl_ctx = tls_context_.get();
  compat::apply_version_settings(info);
  const hooks::EngineScope scope;
  if (tls_context_) context_ = lws_create_context(&info);
  if (!context_) return;
  vhost_ = lws_create_vhost(context_, &info);
  if (!vhost_) {
    lws_context_destroy(context_);
    context_ = nullptr;
    return;
  }
}

LwsHost::~LwsHost() {
  if (!context_) return;
  const hooks::EngineScope scope;
  lws_context_destroy(context_);
}

void LwsHost::start(Upgrade& upgrade, UniqueFd socket) {
  const UpgradeRequest& request = upgrade.request();
  lws_client_connect_info info;
  memset(&info, 0, sizeof info);
  lws* wsi = nullptr;
  info.context = context_;
  info.vhost = vhost_;
  // Stand-ins: the socket is connected already, and Upgrade::write() puts the true request line and
  // Host header in place, free of the engine's limits on their length.
  info.address = "127.0.0.1";
  info.port = 9;
  info.path = "/";
  info.host = "localhost";
  info.ietf_version_or_minus_one = 13;
  info.userdata = &upgrade;
  info.pwsi = &wsi;
  compat::apply_version_settings(info);
  if (request.secure) {
    // The verdict on the certificate is TlsVerdict's, from inside OpenSSL's verification.
    info.ssl_connection = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
  }
  const hooks::EngineScope scope(socket.release());
  lws* made = lws_client_connect_via_info(&info);
  if (!made) {
    upgrade.attach(nullptr);
    upgrade.engine_failed("Unable to connect");
    return;
  }
  if (upgrade.wsi() && !upgrade.done()) compat::disarm_timeout(made);
  end_if_failed(upgrade);
}

// What failed inside a callback, where the engine cannot be told, it is told when it has returned: nothing more
// would happen to the descriptor.
void LwsHost::end_if_failed(Upgrade& upgrade) {
  if (!upgrade.done() && upgrade.write_failed() && !upgrade.failed()) {
    if (upgrade.wsi()) go_on(upgrade);  // reads what the server may have said
    if (!upgrade.done() && !upgrade.failed()) upgrade.fail_writing();
  }
  if (!upgrade.done() && upgrade.failed()) upgrade.engine_failed("");
}

bool LwsHost::hand_over(lws* wsi, IoHandler* handler) {
  compat::disarm_timeout(wsi);
  const int fd = lws_get_socket_fd(wsi);
  forget(fd);
  return loop_.watch(fd, kReadable | kEdge, handler);
}

void LwsHost::forget(int fd) {
  const auto found = waiting_.find(fd);
  if (found == waiting_.end()) return;
  loop_.cancel(found->second.rest);
  waiting_.erase(found);
}

void LwsHost::write_later(Upgrade& upgrade) {
  const int fd = lws_get_socket_fd(upgrade.wsi());
  Waiting& waiting = waiting_[fd];
  waiting.upgrade = &upgrade;
  waiting.writing = true;
  if (!watch(fd, waiting)) upgrade.note_not_watched(errno);
}

void LwsHost::hold(Upgrade& upgrade) {
  const int fd = lws_get_socket_fd(upgrade.wsi());
  Waiting& waiting = waiting_[fd];
  waiting.held = true;
  watch(fd, waiting);
}

void LwsHost::go_on(Upgrade& upgrade) {
  const hooks::EngineScope scope;
  lws_pollfd event;
  event.fd = lws_get_socket_fd(upgrade.wsi());
  Waiting& waiting = waiting_[event.fd];
  waiting.held = false;
  if (!watch(event.fd, waiting)) upgrade.note_not_watched(errno);
  event.events = os::kPollIn | os::kPollOut;
  event.revents = os::kPollIn | os::kPollOut;
  lws_service_fd(context_, &event);
  loop_.look_at_clock();
}

void LwsHost::rest(Upgrade& upgrade, Milliseconds time) {
  const int fd = lws_get_socket_fd(upgrade.wsi());
  Waiting& waiting = waiting_[fd];
  waiting.upgrade = &upgrade;
  waiting.held = true;
  watch(fd, waiting);
  if (waiting.rest == 0) waiting.rest = loop_.after(time, [this, fd] { end_rest(fd); });
}

// Whatever it waited for is tried again.
void LwsHost::end_rest(int fd) {
  Waiting& waiting = waiting_[fd];
  waiting.rest = 0;
  waiting.held = false;
  if (!watch(fd, waiting)) waiting.upgrade->note_not_watched(errno);
  on_ready(fd, kReadable | (waiting.wanted & kWritable) | (waiting.writing ? kWritable : 0u));
}

void LwsHost::kill(lws* wsi) {
  const hooks::EngineScope scope;
  compat::kill(context_, wsi);
}

int LwsHost::on_poll_callback(lws* wsi, int reason, void* arguments) {
  const auto* poll_arguments = static_cast<const lws_pollargs*>(arguments);
  const int fd = poll_arguments->fd;
  if (reason == LWS_CALLBACK_DEL_POLL_FD) {
    forget(fd);
    loop_.unwatch(fd);
    return 0;
  }
  Upgrade* upgrade = Upgrade::of(wsi);
  if (Upgrade::dismissed(wsi) || (upgrade && upgrade->done())) return 0;  // handed over
  if (upgrade) upgrade->attach(wsi);
  Waiting& waiting = waiting_[fd];
  if (upgrade) waiting.upgrade = upgrade;
  waiting.wanted = interest_of(poll_arguments->events);
  // The engine asks to be told, and then has nothing to write: from here to the response there is only reading.
  if (upgrade && upgrade->request_taken()) waiting.wanted &= ~static_cast<uint32_t>(kWritable);
  if (watch(fd, waiting)) return 0;
  if (!upgrade) return 1;
  // No version of the engine cleans up behind a refusal as it should: it is let go on, and fails when it has returned
  // (start), or at its next step.
  upgrade->note_not_watched(errno);
  return 0;
}

// The engine says the same several times over.
bool LwsHost::watch(int fd, Waiting& waiting) {
  if (waiting.held) {
    // Not for nothing either: the end of the connection would be told again and again.
    loop_.unwatch(fd);
    waiting.watched.reset();
    return true;
  }
  const uint32_t interest =
      waiting.wanted | (waiting.writing ? static_cast<uint32_t>(kWritable) : 0u);
  if (waiting.watched == interest) return true;
  waiting.watched.reset();
  if (!loop_.watch(fd, interest, this)) return false;
  waiting.watched = interest;
  return true;
}

// A request that is still going out. False if there is nothing in it for the engine.
bool LwsHost::write_request(int fd, uint32_t& readiness) {
  const auto found = waiting_.find(fd);
  if (found == waiting_.end() || !found->second.writing) return true;
  Waiting& waiting = found->second;
  if (waiting.upgrade->write_rest()) {
    waiting.writing = false;
    if (!watch(fd, waiting)) waiting.upgrade->note_not_watched(errno);
    // The engine reads, and hears of it.
    if (waiting.upgrade->failed() || waiting.upgrade->write_failed()) readiness |= kReadable;
  }
  if (!(waiting.wanted & kWritable)) readiness &= ~static_cast<uint32_t>(kWritable);
  return readiness != 0;
}

void LwsHost::on_ready(int fd, uint32_t readiness) {
  const hooks::EngineScope scope;
  if (!write_request(fd, readiness)) return;
  lws_pollfd event;
  event.fd = fd;
  event.events = os::kPollIn | os::kPollOut;
  event.revents = static_cast<short>(
      ((readiness & kReadable) ? os::kPollIn : 0) | ((readiness & kWritable) ? os::kPollOut : 0) |
      ((readiness & kHangup) ? os::kPollHangup : 0) | ((readiness & kError) ? os::kPollError : 0));
  lws_service_fd(context_, &event);
  const auto left = waiting_.find(fd);
  if (left != waiting_.end() && left->second.upgrade) end_if_failed(*left->second.upgrade);
  loop_.look_at_clock();  // one step of a handshake may take long
}

}  // namespace vws
