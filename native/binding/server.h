#pragma once

#include <napi.h>

namespace vws {

// The part of the addon's exports that is a server's: listen() and what belongs to it in lib/addon/contract.ts.
void export_server(Napi::Env env, Napi::Object exports);

}  // namespace vws
