#pragma once

#include <napi.h>

#include "engine/engine.h"
#include "engine/tls/tls_config.h"

namespace vws {

class Environment;

// What a connection is asked for with.
struct ConnectTarget {
  ConnectionOptions options;
  Sender::Limits limits;
};

// Objects of lib/native.ts, which has them checked: here they are only read. JavaScript thread.
ConnectTarget read_connect_options(const Napi::Object& object, const Environment& environment);
TlsSettings read_tls_settings(const Napi::Object& object);
EngineSettings read_engine_settings(const Napi::Object& object);

}  // namespace vws
