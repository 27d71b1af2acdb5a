#include "binding/bytes.h"

namespace vws {

namespace {

// Characters of a string that is short.
constexpr size_t kShortString = 4096;

}  // namespace

bool read_bytes(napi_env env, napi_value value, const uint8_t** data, size_t* size) {
  void* bytes = nullptr;
  // Buffers are by far the most frequent: this call takes them, and any Uint8Array.
  bool is = false;
  if (napi_is_buffer(env, value, &is) == napi_ok && is &&
      napi_get_buffer_info(env, value, &bytes, size) == napi_ok) {
    *data = static_cast<const uint8_t*>(bytes);
    return true;
  }
  if (napi_is_arraybuffer(env, value, &is) == napi_ok && is) {
    if (napi_get_arraybuffer_info(env, value, &bytes, size) != napi_ok) return false;
    *data = static_cast<const uint8_t*>(bytes);
    return true;
  }
  if (napi_is_typedarray(env, value, &is) == napi_ok && is) {
    napi_typedarray_type type;
    size_t length = 0;
    if (napi_get_typedarray_info(env, value, &type, &length, &bytes, nullptr, nullptr) != napi_ok)
      return false;
    static constexpr size_t kElementSizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
    *data = static_cast<const uint8_t*>(bytes);
    *size = length * kElementSizes[type];
    return true;
  }
  if (napi_is_dataview(env, value, &is) == napi_ok && is) {
    if (napi_get_dataview_info(env, value, size, &bytes, nullptr, nullptr) != napi_ok) return false;
    *data = static_cast<const uint8_t*>(bytes);
    return true;
  }
  return false;
}

StringSize size_of_string(napi_env env, napi_value string) {
  size_t length = 0;
  napi_get_value_string_utf16(env, string, nullptr, 0, &length);
  if (length <= kShortString) return {3 * length, length};
  size_t size = 3 * length;
  napi_get_value_string_utf8(env, string, nullptr, 0, &size);
  return {size, size};
}

size_t write_string(napi_env env, napi_value string, uint8_t* to, size_t bound) {
  size_t written = 0;
  napi_get_value_string_utf8(env, string, reinterpret_cast<char*>(to), bound + 1, &written);
  return written;
}

}  // namespace vws
