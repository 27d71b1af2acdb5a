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

// What prepare() has made.
using Prepared = Napi::External<std::shared_ptr<Publication>>;

// A message for many, of which each has memory of its own without a slab; null with *result saying why.
std::shared_ptr<Publication> make_publication(const Napi::Value& data, const Napi::Value& flags,
                                              SharedSlab* slab, SendResult* result) {
  const SendOptions options = send_options_of(flags.As<Napi::Number>().Uint32Value());
  const auto opcode = static_cast<Opcode>(options.opcode);
  SharedFrameSlot slot(slab);
  size_t size = 0;
  *result = read_payload(data.Env(), data, opcode == kText, slot, &size);
  if (*result != SendResult::kOk) return nullptr;
  return std::make_shared<Publication>(slot.close({opcode, true, false}, size), size, opcode,
                                       options.compress != Compress::kNever);
}

// From data and flags, which are arguments 1 and 2; null with *result saying why.
std::shared_ptr<Publication> read_publication(const Napi::CallbackInfo& info, Engine& engine,
                                              SendResult* result) {
  if (info[1].IsExternal()) return *info[1].As<Prepared>().Data();
  return make_publication(info[1], info[2], &engine.publications(), result);
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
  if (const auto publication = read_publication(info, *engine, &result)) {
    const auto ids = info[0].As<Napi::Int32Array>();
    engine->publish(std::vector<int32_t>(ids.Data(), ids.Data() + ids.ElementLength()),
                    publication);
  }
  return answer(info, result);
}

Napi::Value prepare(const Napi::CallbackInfo& info) {
  SendResult result = SendResult::kOk;
  auto publication = make_publication(info[0], info[1], nullptr, &result);
  if (!publication) return answer(info, result);
  const auto held = static_cast<int64_t>(publication->plain().held());
  auto kept = std::make_unique<std::shared_ptr<Publication>>(std::move(publication));
  const Prepared made = Prepared::New(info.Env(), kept.get(),
                                      [held](Napi::Env env, std::shared_ptr<Publication>* gone) {
                                        Napi::MemoryManagement::AdjustExternalMemory(env, -held);
                                        delete gone;
                                      });
  // Not where the environment is going down: a worker is terminated, say.
  if (made.IsEmpty()) return made;
  static_cast<void>(kept.release());  // the finalizer's now
  // Told of the memory, the collector does not wait for the small object to be worth it.
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), held);
  return made;
}

// Of what prepare() has made; null for anything else, which it returns where the environment is going down.
const Publication* prepared_message(const Napi::Value& value) {
  if (!value.IsExternal()) return nullptr;
  return value.As<Prepared>().Data()->get();
}

Napi::Value prepared_payload(const Napi::CallbackInfo& info) {
  const Publication* const publication = prepared_message(info[0]);
  if (!publication) return info.Env().Undefined();
  return Napi::Buffer<uint8_t>::Copy(info.Env(), publication->payload(), publication->size());
}

Napi::Value prepared_size(const Napi::CallbackInfo& info) {
  const Publication* const publication = prepared_message(info[0]);
  return Napi::Number::New(info.Env(), publication ? static_cast<double>(publication->size()) : 0);
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
  exports.Set("prepare", Napi::Function::New<prepare>(env, "prepare"));
  exports.Set("preparedPayload", Napi::Function::New<prepared_payload>(env, "preparedPayload"));
  exports.Set("preparedSize", Napi::Function::New<prepared_size>(env, "preparedSize"));
  exports.Set("publishedAmount", Napi::Function::New<published_amount>(env, "publishedAmount"));
}

}  // namespace vws
