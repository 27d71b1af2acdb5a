#pragma once

#include <node_api.h>

#include "engine/sender.h"

namespace vws {

// send(connection, data, flags), ping and pong(connection, data, masked): NativeAddon in lib/addon/contract.ts.
// JavaScript thread.
napi_value js_send(napi_env env, napi_callback_info info);
napi_value js_ping(napi_env env, napi_callback_info info);
napi_value js_pong(napi_env env, napi_callback_info info);

// What send()'s flags say.
SendOptions send_options_of(uint32_t flags);

}  // namespace vws
