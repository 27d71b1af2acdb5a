#pragma once

// Every difference between the engine versions that are supported, 2.4.x to 4.1.x, and the only place
// where LWS_LIBRARY_VERSION_NUMBER is looked at.

#include <libwebsockets.h>

#include <cstring>

namespace vws::compat {

constexpr bool kVersion4 = LWS_LIBRARY_VERSION_NUMBER >= 4000000;

// What lws_ssl_capable_read() and _write() return besides byte counts; private to the engine. 3.0 told
// waiting to read from waiting to write, and moved the third.
constexpr int kCapableError = -1;
constexpr int kCapableMoreService = LWS_LIBRARY_VERSION_NUMBER >= 3000000 ? -4 : -2;

// A client's close is reported as LWS_CALLBACK_CLOSED (4) by 2.4 and as LWS_CALLBACK_CLIENT_CLOSED (75)
// by 4.x.
inline bool is_closed_callback(int reason) {
#if LWS_LIBRARY_VERSION_NUMBER >= 3001000
  return reason == LWS_CALLBACK_CLIENT_CLOSED || reason == LWS_CALLBACK_CLOSED;
#else
  return reason == LWS_CALLBACK_CLOSED;
#endif
}

// Timers of ours guard every stage, to the millisecond; the engine's, which count seconds, are put out
// of the way.
constexpr unsigned kNoEngineTimeoutSecs = 60 * 60 * 24 * 365;

inline void apply_version_settings(lws_context_creation_info& info) {
  info.timeout_secs = kNoEngineTimeoutSecs;
  info.timeout_secs_ah_idle = kNoEngineTimeoutSecs;
#if LWS_LIBRARY_VERSION_NUMBER >= 4000000
  info.connect_timeout_secs = kNoEngineTimeoutSecs;
#endif
}

// 4.x pings after 300 s and hangs up after 310 s of its own accord, unless the connection (the context
// does not count, if it says never) says otherwise. Its timers are a sorted list, searched from the
// front: with one for each connection, opening thousands would cost the square of their number.
inline void apply_version_settings(lws_client_connect_info& info) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4000000
  static const lws_retry_bo_t kNeverIdle = [] {
    lws_retry_bo_t policy;
    memset(&policy, 0, sizeof policy);
    return policy;
  }();
  info.retry_and_idle_policy = &kNeverIdle;
#else
  static_cast<void>(info);
#endif
}

// Ends a connection at once, from the thread that runs the context: the engine closes the descriptor,
// calls back and frees the wsi before this returns. A hang-up with nothing to read is the one event on
// which both versions do so without lingering, in every state.
inline void kill(lws_context* context, lws* wsi) {
  lws_pollfd dead;
  dead.fd = lws_get_socket_fd(wsi);
  dead.events = LWS_POLLIN;
  dead.revents = LWS_POLLHUP;
  lws_service_fd(context, &dead);
}

inline void disarm_timeout(lws* wsi) { lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); }

}  // namespace vws::compat
