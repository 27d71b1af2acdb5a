#include "binding/publishing.h"

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "binding/bytes.h"
#include "binding/environment.h"
#include "binding/outbound.h"
#include "engine/publication.h"
#include "engine/ws/utf8.h"

namespace vws {

namespace {

// Writes a string's bytes; *size: how many.
SendResult read_string(napi_env env, napi_value string, SharedFrameSlot& slot, size_t* size) {
  const StringSize room = size_of_string(env, string);
  if (room.likely > Sender::kMaxMessage) return SendResult::kLimit;
  uint8_t* const to = slot.open(room.bound + 1, room.likely);
  if (!to) return SendResult::kNoMemory;
  *size = write_string(env, string, to, room.bound);
  return SendResult::kOk;
}

SendResult read_payload(napi_env env, napi_value value, bool check_utf8, SharedFrameSlot& slot,
                        size_t* size) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  if (type == napi_string) return read_string(env, value, slot, size);
  const uint8_t* data = nullptr;
  if (!read_bytes(env, value, &data, size)) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "data is neither a string nor bytes");
    return SendResult::kClosed;
  }
  if (*size > Sender::kMaxMessage) return SendResult::kLimit;
  if (check_utf8 && classify_utf8(data, *size) == Utf8Class::kInvalid)
    return SendResult::kInvalidUtf8;
  uint8_t* const to = slot.open(*size, *size);
  if (!to) return SendResult::kNoMemory;
  if (*size != 0) std::memcpy(to, data, *size);
  return SendResult::kOk;
}

// From data and flags, which are arguments 1 and 2; null with *result saying why.
std::shared_ptr<Publication> read_publication(const Napi::CallbackInfo& info, Engine& engine,
                                              SendResult* result) {
  const SendOptions options = send_options_of(info[2].As<Napi::Number>().Uint32Value());
  const auto opcode = static_cast<Opcode>(options.opcode);
  SharedFrameSlot slot(engine.publications());
  size_t size = 0;
  *result = read_payload(info.Env(), info[1], opcode == kText, slot, &size);
  if (*result != SendResult::kOk) return nullptr;
  return std::make_shared<Publication>(slot.close({opcode, true, false}, size), size, opcode,
                                       options.compress != Compress::kNever);
}

Napi::Value answer(const Napi::CallbackInfo& info, SendResult result) {
  return Napi::Number::New(info.Env(), static_cast<int>(result));
}

Engine* engine_of(const Napi::CallbackInfo& info) { return Environment::of(info.Env())->engine(); }

int32_t integer(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

void subscribe(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->subscribe(integer(info[0]), integer(info[1]));
}

void unsubscribe(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->unsubscribe(integer(info[0]), integer(info[1]));
}

Napi::Value publish(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) return answer(info, SendResult::kClosed);
  SendResult result = SendResult::kOk;
  if (auto publication = read_publication(info, *engine, &result)) {
    engine->publish(integer(info[0]), std::move(publication), integer(info[3]),
                    info[4].As<Napi::Number>().Uint32Value());
  }
  return answer(info, result);
}

Napi::Value publish_to(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) return answer(info, SendResult::kClosed);
  SendResult result = SendResult::kOk;
  if (auto publication = read_publication(info, *engine, &result)) {
    const auto ids = info[0].As<Napi::Int32Array>();
    engine->publish(std::vector<int32_t>(ids.Data(), ids.Data() + ids.ElementLength()),
                    std::move(publication));
  }
  return answer(info, result);
}

Napi::Value published_amount(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  Sender* sender = engine ? engine->sender(integer(info[0])) : nullptr;
  return Napi::Number::New(info.Env(), sender ? static_cast<double>(sender->published()) : 0);
}

}  // namespace

void export_publishing(Napi::Env env, Napi::Object exports) {
  exports.Set("subscribe", Napi::Function::New<subscribe>(env, "subscribe"));
  exports.Set("unsubscribe", Napi::Function::New<unsubscribe>(env, "unsubscribe"));
  exports.Set("publish", Napi::Function::New<publish>(env, "publish"));
  exports.Set("publishTo", Napi::Function::New<publish_to>(env, "publishTo"));
  exports.Set("publishedAmount", Napi::Function::New<published_amount>(env, "publishedAmount"));
}

}  // namespace vws
