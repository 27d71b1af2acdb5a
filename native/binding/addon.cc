// The addon's exports: NativeAddon in lib/addon/contract.ts. JavaScript thread.

#include <napi.h>

#include <openssl/crypto.h>

#include <memory>
#include <string>
#include <vector>

#include "binding/bytes.h"
#include "binding/environment.h"
#include "binding/options.h"
#include "binding/outbound.h"
#include "binding/publishing.h"
#include "binding/server.h"
#include "binding/values.h"
#include "engine/log.h"
#include "engine/lws_host.h"
#include "engine/tls/client_context.h"
#include "engine/tls/trust.h"
#include "engine/ws/deflate.h"

// VWS_VERSION comes from the build, bare: quotes would have to survive two build systems and a shell.
#define VWS_STRING_OF(text) #text
#define VWS_STRING(name) VWS_STRING_OF(name)
#define VWS_NAME "verawebsockets "

namespace vws {

namespace {

// With the name before it, so that it can be found in the binary of any architecture.
constexpr char kIdentity[] = VWS_NAME VWS_STRING(VWS_VERSION);
constexpr const char* kVersion = kIdentity + sizeof(VWS_NAME) - 1;

// The longest that wait() blocks, in ms: a worker that is terminated meanwhile notices afterwards.
constexpr int64_t kLongestWait = 100;

Engine* engine_of(const Napi::CallbackInfo& info) { return Environment::of(info.Env())->engine(); }

int32_t id_of(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int32Value(); }

std::string text_or_bytes(const Napi::Value& value) {
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (value.IsUndefined() || !read_bytes(value.Env(), value, &data, &size)) return {};
  return std::string(reinterpret_cast<const char*>(data), size);
}

void init(const Napi::CallbackInfo& info) {
  Environment* environment = Environment::of(info.Env());
  if (environment->is_running()) return;
  environment->start(info.Env(), info[0].As<Napi::Int32Array>(), info[1].As<Napi::Function>(),
                     read_engine_settings(info[2].As<Napi::Object>()));
}

Napi::Value connect(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) {
    Napi::Error::New(info.Env(), "the engine is not running").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  ConnectTarget target =
      Environment::of(info.Env())->target(info[0].As<Napi::Object>(), info[1].As<Napi::Number>());
  if (target.options.request.secure && !target.options.request.tls) {
    Napi::TypeError::New(info.Env(), "tls is not the handle of a TLS configuration")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), engine->connect(std::move(target.options), target.limits));
}

void close(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) {
    engine->close(id_of(info), static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value()),
                  text_or_bytes(info[2]));
  }
}

void terminate(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->terminate(id_of(info));
}

void pause(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->pause(id_of(info));
}

void resume(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->resume(id_of(info));
}

void flush(const Napi::CallbackInfo& info) {
  Environment* environment = Environment::of(info.Env());
  if (environment->engine()) environment->flush();
}

Napi::Value buffered_amount(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  Sender* sender = engine ? engine->sender(id_of(info)) : nullptr;
  return Napi::Number::New(info.Env(), sender ? static_cast<double>(sender->buffered()) : 0);
}

Napi::Value set_flush_notify(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  return Napi::Number::New(info.Env(),
                           engine ? static_cast<double>(engine->watch_progress(id_of(info))) : 0);
}

void stats(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) return;
  const ConnectionStats stats = engine->stats(id_of(info));
  const uint64_t counters[] = {
      stats.messages_in, stats.messages_out, stats.frames_in, stats.frames_out,  stats.payload_in,
      stats.payload_out, stats.wire_in,      stats.wire_out,  stats.inflated_in, stats.plain_out};
  Napi::Float64Array out = info[1].As<Napi::Float64Array>();
  if (out.ElementLength() < 14) return;
  size_t index = 0;
  for (const uint64_t counter : counters) out[index++] = static_cast<double>(counter);
  out[index++] = static_cast<double>(stats.rtt_us);
  out[index++] = static_cast<double>(engine->inbound_bytes());
  out[index++] = static_cast<double>(stats.deflated_in);
  out[index++] = static_cast<double>(stats.compressed_out);
}

// Counts by class, those without an upper bound last; then all turns' time, in seconds. False: there is no engine.
Napi::Value turn_times(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  Napi::Float64Array out = info[0].As<Napi::Float64Array>();
  if (!engine || out.ElementLength() <= TurnTimes::kBounds.size() + 1) {
    return Napi::Boolean::New(info.Env(), false);
  }
  const TurnTimes times = engine->turn_times();
  size_t index = 0;
  for (const uint64_t count : times.counts()) out[index++] = static_cast<double>(count);
  out[index] = std::chrono::duration<double>(times.sum()).count();
  return Napi::Boolean::New(info.Env(), true);
}

// Two numbers for each lane; see NativeAddon.laneLoads().
Napi::Value lane_loads(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  Napi::Float64Array out = info[0].As<Napi::Float64Array>();
  const std::vector<LaneLoad> loads = engine ? engine->lane_loads() : std::vector<LaneLoad>();
  for (size_t i = 0; i < loads.size() && 2 * i + 1 < out.ElementLength(); ++i) {
    out[2 * i] = static_cast<double>(loads[i].connections);
    out[2 * i + 1] = std::chrono::duration<double>(loads[i].busy).count();
  }
  return Napi::Number::New(info.Env(), static_cast<double>(loads.size()));
}

void verify(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) {
    engine->judge(id_of(info),
                  info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : std::string());
  }
}

void release(const Napi::CallbackInfo& info) { Environment::of(info.Env())->release(id_of(info)); }

Napi::Value take(const Napi::CallbackInfo& info) {
  Environment* environment = Environment::of(info.Env());
  if (!environment->engine()) return info.Env().Undefined();
  const napi_value taken = environment->take(info.Env());
  return taken ? Napi::Value(info.Env(), taken) : info.Env().Undefined();
}

Napi::Value wait(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) return Napi::Boolean::New(info.Env(), false);
  const int64_t ms = info[0].As<Napi::Number>().Int64Value();
  const int64_t bounded = ms < 0 || ms > kLongestWait ? kLongestWait : ms;
  return Napi::Boolean::New(info.Env(),
                            Environment::of(info.Env())->has_rest() || engine->wait(bounded));
}

void rearm(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->rearm();
}

void set_ref(const Napi::CallbackInfo& info) {
  Environment::of(info.Env())->set_ref(info.Env(), info[0].As<Napi::Boolean>().Value());
}

void set_log_level(const Napi::CallbackInfo& info) {
  Environment::of(info.Env())
      ->set_log(info[0].As<Napi::Number>().Int32Value(),
                info[1].As<Napi::Number>().Int32Value() == 0);
}

Napi::Value write_log(const Napi::CallbackInfo& info) {
  const int level = info[0].As<Napi::Number>().Int32Value();
  const bool ours =
      Log::enabled(level) &&
      Environment::of(info.Env())->write_log(level, info[1].As<Napi::String>().Utf8Value());
  return Napi::Boolean::New(info.Env(), ours);
}

void set_roots(const Napi::CallbackInfo& info) {
  auto roots = make_roots(info[0].As<Napi::String>().Utf8Value());
  if (!roots) return throw_tls_error(info.Env(), roots.error());
  Environment::of(info.Env())->set_roots(std::move(roots.value()));
}

Napi::Value create_tls(const Napi::CallbackInfo& info) {
  TlsSettings settings = read_tls_settings(info[0].As<Napi::Object>());
  settings.roots = Environment::of(info.Env())->roots();
  auto result = TlsConfig::create(settings);
  if (!result) {
    throw_tls_error(info.Env(), result.error());
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(),
                           Environment::of(info.Env())->add_tls(std::move(result.value())));
}

void release_tls(const Napi::CallbackInfo& info) {
  Environment::of(info.Env())->remove_tls(id_of(info));
}

Napi::Object versions(Napi::Env env) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("libwebsockets", engine_version());
  object.Set("openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
  object.Set("zlib", linked_zlib_version());
  return object;
}

void export_raw(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

Napi::Object load(Napi::Env env, Napi::Object exports) {
  // Before any other call: whichever comes first decides whether OpenSSL is taken away at exit,
  // while the service thread still runs.
  init_openssl();
  auto environment = std::make_unique<Environment>(env);
  // Owned by the environment from here on; its cleanup hook has ended the engine when this runs.
  napi_set_instance_data(
      env, environment.release(),
      [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); }, nullptr);

  exports.Set("version", kVersion);
  exports.Set("versions", versions(env));
  exports.Set("init", Napi::Function::New<init>(env, "init"));
  exports.Set("connect", Napi::Function::New<connect>(env, "connect"));
  exports.Set("close", Napi::Function::New<close>(env, "close"));
  exports.Set("terminate", Napi::Function::New<terminate>(env, "terminate"));
  exports.Set("pause", Napi::Function::New<pause>(env, "pause"));
  exports.Set("resume", Napi::Function::New<resume>(env, "resume"));
  exports.Set("flush", Napi::Function::New<flush>(env, "flush"));
  exports.Set("bufferedAmount", Napi::Function::New<buffered_amount>(env, "bufferedAmount"));
  exports.Set("setFlushNotify", Napi::Function::New<set_flush_notify>(env, "setFlushNotify"));
  exports.Set("stats", Napi::Function::New<stats>(env, "stats"));
  exports.Set("turnTimes", Napi::Function::New<turn_times>(env, "turnTimes"));
  exports.Set("laneLoads", Napi::Function::New<lane_loads>(env, "laneLoads"));
  exports.Set("verify", Napi::Function::New<verify>(env, "verify"));
  exports.Set("release", Napi::Function::New<release>(env, "release"));
  exports.Set("take", Napi::Function::New<take>(env, "take"));
  exports.Set("wait", Napi::Function::New<wait>(env, "wait"));
  exports.Set("rearm", Napi::Function::New<rearm>(env, "rearm"));
  exports.Set("setRef", Napi::Function::New<set_ref>(env, "setRef"));
  exports.Set("setLogLevel", Napi::Function::New<set_log_level>(env, "setLogLevel"));
  exports.Set("writeLog", Napi::Function::New<write_log>(env, "writeLog"));
  exports.Set("setRoots", Napi::Function::New<set_roots>(env, "setRoots"));
  exports.Set("createTls", Napi::Function::New<create_tls>(env, "createTls"));
  exports.Set("releaseTls", Napi::Function::New<release_tls>(env, "releaseTls"));
  export_server(env, exports);
  export_publishing(env, exports);
  // The hot ones, without the wrapper's own costs.
  export_raw(env, exports, "send", js_send);
  export_raw(env, exports, "ping", js_ping);
  export_raw(env, exports, "pong", js_pong);
  return exports;
}

}  // namespace

}  // namespace vws

static Napi::Object load_addon(Napi::Env env, Napi::Object exports) {
  return vws::load(env, exports);
}

NODE_API_MODULE(verawebsockets, load_addon)
