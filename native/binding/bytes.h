#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace vws {

// Bytes that JavaScript lends for the length of a call: any typed array, DataView or ArrayBuffer. False
// if it is none. JavaScript thread.
bool read_bytes(napi_env env, napi_value value, const uint8_t** data, size_t* size);

// What a string takes in UTF-8: of a short one only a bound is found out, three bytes for each character, and what is
// likely, one; of others the exact size.
struct StringSize {
  size_t bound;
  size_t likely;
};
StringSize size_of_string(napi_env env, napi_value string);
// Writes it, and the terminator that Node-API adds: there must be room for bound + 1 bytes. Returns how many without.
size_t write_string(napi_env env, napi_value string, uint8_t* to, size_t bound);

}  // namespace vws
