#pragma once

#include <napi.h>

#include "engine/engine.h"
#include "engine/server/listener.h"
#include "engine/server/listening_socket.h"
#include "engine/tls/server_tls.h"
#include "engine/tls/tls_config.h"

namespace vws {

class Environment;

// What a connection is asked for with.
struct ConnectTarget {
  ConnectionOptions options;
  Sender::Limits limits;
};

// What a connection that is open already takes.
struct AcceptTarget {
  AcceptOptions options;
  Sender::Limits limits;
};

// Objects of lib/addon/contract.ts, which has them checked: here they are only read. JavaScript thread.
ConnectTarget read_connect_options(const Napi::Object& object, const Environment& environment);
TlsSettings read_tls_settings(const Napi::Object& object);
AcceptTarget read_accept_options(const Napi::Object& object);
ListenAddress read_listen_address(const Napi::Object& object);
ListenerSettings read_listener_settings(const Napi::Object& object);
TrustedProxies read_trusted_proxies(const Napi::Object& object);
ServerTlsSettings read_server_tls_settings(const Napi::Object& object);
EngineSettings read_engine_settings(const Napi::Object& object);

}  // namespace vws
