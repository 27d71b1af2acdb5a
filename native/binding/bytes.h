#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace vws {

// Bytes that JavaScript lends for the length of a call: any typed array, DataView or ArrayBuffer. False
// if it is none. JavaScript thread.
bool read_bytes(napi_env env, napi_value value, const uint8_t** data, size_t* size);

}  // namespace vws
