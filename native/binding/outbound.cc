#include "binding/outbound.h"

#include <memory>

#include "binding/bytes.h"
#include "binding/environment.h"
#include "engine/publication.h"
#include "engine/ws/utf8.h"

namespace vws {

namespace {

// Bits of send()'s flags; SendFlag in lib/addon/contract.ts.
enum Flag : uint32_t {
  kFlagText = 1,
  kFlagBinary = 2,
  kFlagMore = 4,
  kFlagContinuation = 8,
  kFlagCompress = 16,
  kFlagNoMask = 32,
  kFlagNoCompress = 64,
};

// Staged bytes from which the service is told without waiting for the end of the burst, so that it
// works while JavaScript goes on.
constexpr size_t kEarlyFlush = 256 * 1024;

SendResult send_string(napi_env env, Sender& sender, napi_value string,
                       const SendOptions& options) {
  const StringSize size = size_of_string(env, string);
  SendResult refused = SendResult::kOk;
  uint8_t* payload = sender.begin(size.bound + 1, size.likely, options, &refused);
  if (!payload) return refused;
  return sender.end(write_string(env, string, payload, size.bound));
}

SendResult send_value(napi_env env, Sender& sender, napi_value value, const SendOptions& options,
                      bool check_utf8) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  if (type == napi_string) return send_string(env, sender, value, options);
  if (type == napi_external) {
    void* prepared = nullptr;
    napi_get_value_external(env, value, &prepared);
    return sender.send(*static_cast<std::shared_ptr<Publication>*>(prepared));
  }
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (type != napi_undefined && !read_bytes(env, value, &data, &size)) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "data is neither a string nor bytes");
    return SendResult::kClosed;
  }
  if (check_utf8 && classify_utf8(data, size) == Utf8Class::kInvalid)
    return SendResult::kInvalidUtf8;
  return sender.send(data, size, options);
}

napi_value answer(napi_env env, SendResult result) {
  napi_value number;
  napi_create_int32(env, static_cast<int32_t>(result), &number);
  return number;
}

napi_value send_with(napi_env env, int32_t id, napi_value data, const SendOptions& options,
                     bool check_utf8) {
  Environment* environment = Environment::of(env);
  Engine* engine = environment->engine();
  Sender* sender = engine ? engine->sender(id) : nullptr;
  if (!sender) return answer(env, SendResult::kClosed);
  const SendResult result = send_value(env, *sender, data, options, check_utf8);
  if (result == SendResult::kOk || result == SendResult::kFull) {
    engine->touch(id);
    if (sender->staged() >= kEarlyFlush) engine->flush();
  }
  return answer(env, result);
}

napi_value send_control(napi_env env, napi_callback_info info, Opcode opcode) {
  size_t count = 3;
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  int32_t id = 0;
  bool masked = true;
  napi_get_value_int32(env, arguments[0], &id);
  napi_get_value_bool(env, arguments[2], &masked);
  SendOptions options;
  options.opcode = opcode;
  options.masked = masked;
  return send_with(env, id, arguments[1], options, false);
}

}  // namespace

SendOptions send_options_of(uint32_t flags) {
  SendOptions options;
  options.opcode = (flags & kFlagContinuation) ? kContinuation
                   : (flags & kFlagText)       ? kText
                                               : kBinary;
  options.fin = !(flags & kFlagMore);
  options.compress = (flags & kFlagCompress)     ? Compress::kAlways
                     : (flags & kFlagNoCompress) ? Compress::kNever
                                                 : Compress::kByThreshold;
  options.masked = !(flags & kFlagNoMask);
  return options;
}

napi_value js_send(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  int32_t id = 0;
  uint32_t flags = 0;
  napi_get_value_int32(env, arguments[0], &id);
  napi_get_value_uint32(env, arguments[2], &flags);
  // A fragment's text may end inside a character: only whole messages are checked.
  const bool check_utf8 = (flags & kFlagText) && !(flags & (kFlagMore | kFlagContinuation));
  return send_with(env, id, arguments[1], send_options_of(flags), check_utf8);
}

napi_value js_ping(napi_env env, napi_callback_info info) { return send_control(env, info, kPing); }

napi_value js_pong(napi_env env, napi_callback_info info) { return send_control(env, info, kPong); }

}  // namespace vws
