// What a server does, and connections that are open already. JavaScript thread.

#include "binding/server.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "binding/environment.h"
#include "binding/options.h"
#include "binding/values.h"
#include "engine/os/error_names.h"
#include "engine/server/listening_socket.h"

namespace vws {

namespace {

Engine* engine_of(const Napi::CallbackInfo& info) { return Environment::of(info.Env())->engine(); }

int32_t id_of(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int32Value(); }

// One byte a character, as Node writes headers.
std::string latin1(const Napi::Value& value) {
  size_t length = 0;
  napi_get_value_string_latin1(value.Env(), value, nullptr, 0, &length);
  std::string text(length + 1, '\0');
  napi_get_value_string_latin1(value.Env(), value, &text[0], text.size(), &length);
  text.resize(length);
  return text;
}

std::vector<uint8_t> bytes_of(const Napi::Value& value) {
  const auto buffer = value.As<Napi::Buffer<uint8_t>>();
  return std::vector<uint8_t>(buffer.Data(), buffer.Data() + buffer.Length());
}

Napi::Object listen_failure(Napi::Env env, const ListenError& error) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("errno", Napi::Number::New(env, error.number));
  object.Set("code", errno_name(error.number));
  object.Set("syscall", error.syscall);
  return object;
}

Napi::Value listen(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Engine* engine = engine_of(info);
  if (!engine) return env.Undefined();
  const auto options = info[0].As<Napi::Object>();
  ListenError error;
  UniqueFd socket = open_listening_socket(read_listen_address(options), &error);
  if (!socket) return listen_failure(env, error);
  const Address local = Address::local_of(socket.get());
  const int fd = socket.get();
  std::shared_ptr<const ServerTls> tls;
  if (options.Get("tls").IsNumber()) {
    tls = Environment::of(env)->server_tls(options.Get("tls").As<Napi::Number>().Int32Value());
  }
  const int32_t id =
      engine->listen(std::move(socket), read_listener_settings(options), std::move(tls));
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", Napi::Number::New(env, id));
  object.Set("fd", Napi::Number::New(env, fd));
  if (local.is_ip()) {
    object.Set("address", local.text());
    object.Set("port", Napi::Number::New(env, local.port()));
    object.Set("family", Napi::Number::New(env, local.ip_version()));
  } else {
    object.Set("path", text_to_js(env, local.text()));
  }
  return object;
}

void unlisten(const Napi::CallbackInfo& info) {
  Environment::of(info.Env())->unlisten(id_of(info));
}

void release_listener(const Napi::CallbackInfo& info) {
  Environment::of(info.Env())->release_listener(id_of(info));
}

Napi::Value listener_stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Engine* engine = engine_of(info);
  const ListenerStats stats = engine ? engine->listener_stats(id_of(info)) : ListenerStats();
  Napi::Object object = Napi::Object::New(env);
  const std::pair<const char*, uint64_t> counters[] = {
      {"connections", stats.connections},
      {"handshakes", stats.handshakes},
      {"accepted", stats.accepted},
      {"overLimit", stats.over_limit},
      {"overLimitPerAddress", stats.over_limit_per_address},
      {"timeouts", stats.timeouts},
      {"malformed", stats.malformed},
      {"overHeaderSize", stats.over_header_size},
      {"overHeadersCount", stats.over_headers_count},
      {"overHandshakes", stats.over_handshakes},
      {"tlsFailures", stats.tls_failures},
      {"notUpgrades", stats.not_upgrades},
      {"proxyFailures", stats.proxy_failures},
  };
  for (const auto& [name, value] : counters) {
    object.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  }
  return object;
}

void set_listener_tls(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) return;
  const int32_t tls = info[1].As<Napi::Number>().Int32Value();
  engine->set_listener_tls(id_of(info), Environment::of(info.Env())->server_tls(tls));
}

// Undefined if it is not known. For requests that somebody else has read.
Napi::Value client_address_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Address peer;
  if (info[0].IsString()) {
    const auto numeric = Address::from_numeric(info[0].As<Napi::String>().Utf8Value(), 0);
    if (!numeric) return env.Undefined();
    peer = *numeric;
  } else {
    peer = Address::unix_client();
  }
  const TrustedProxies proxies = read_trusted_proxies(info[2].As<Napi::Object>());
  const Address client = client_address(proxies, peer, latin1(info[1]));
  return client.is_ip() ? Napi::String::New(env, client.text()) : env.Undefined();
}

// Null with a pending exception.
std::shared_ptr<const ServerTls> make_server_tls(const Napi::Object& options) {
  ServerTlsSettings settings = read_server_tls_settings(options);
  settings.base.roots = Environment::of(options.Env())->roots();
  auto made = ServerTls::create(settings);
  if (!made) {
    throw_tls_error(options.Env(), made.error());
    return nullptr;
  }
  ServerTls::Names names;
  const auto list = options.Get("names").As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto entry = list.Get(i).As<Napi::Object>();
    auto named = make_server_tls(entry.Get("tls").As<Napi::Object>());
    if (!named) return nullptr;
    names.emplace_back(entry.Get("name").As<Napi::String>().Utf8Value(), std::move(named));
  }
  if (names.empty()) return made.value();
  return ServerTls::with_names(std::move(made.value()), std::move(names));
}

Napi::Value create_server_tls(const Napi::CallbackInfo& info) {
  auto tls = make_server_tls(info[0].As<Napi::Object>());
  if (!tls) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), Environment::of(info.Env())->add_server_tls(std::move(tls)));
}

void release_server_tls(const Napi::CallbackInfo& info) {
  Environment::of(info.Env())->remove_server_tls(id_of(info));
}

void accept(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  if (!engine) return;
  AcceptTarget target = Environment::of(info.Env())->accept_target(info[2].As<Napi::Object>());
  target.options.greeting = latin1(info[1]);
  engine->accept(id_of(info), std::move(target.options), target.limits);
}

void refuse(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) engine->refuse(id_of(info), latin1(info[1]));
}

Napi::Value adopt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Engine* engine = engine_of(info);
  if (!engine) return env.Undefined();
  UniqueFd copy(os::copy_descriptor(info[0].As<Napi::Number>().Int32Value()));
  if (!copy) {
    const int number = errno;
    Napi::Error error = Napi::Error::New(env, "dup " + errno_name(number));
    error.Set("code", Napi::String::New(env, errno_name(number)));
    error.ThrowAsJavaScriptException();
    return env.Undefined();
  }
  AcceptTarget target = Environment::of(info.Env())->accept_target(info[3].As<Napi::Object>());
  target.options.greeting = latin1(info[1]);
  target.options.early = bytes_of(info[2]);
  return Napi::Number::New(
      env, engine->adopt(std::move(copy), std::move(target.options), target.limits));
}

Napi::Value adopt_stream(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Engine* engine = engine_of(info);
  if (!engine) return env.Undefined();
  AcceptTarget target = Environment::of(info.Env())->accept_target(info[1].As<Napi::Object>());
  target.options.early = bytes_of(info[0]);
  return Napi::Number::New(env, engine->adopt_stream(std::move(target.options), target.limits));
}

Napi::Value feed(const Napi::CallbackInfo& info) {
  Engine* engine = engine_of(info);
  return Napi::Boolean::New(info.Env(), !engine || engine->feed(id_of(info), bytes_of(info[1])));
}

void feed_end(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) {
    engine->feed_end(id_of(info),
                     info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : std::string());
  }
}

void took(const Napi::CallbackInfo& info) {
  if (Engine* engine = engine_of(info)) {
    engine->took(id_of(info), static_cast<size_t>(info[1].As<Napi::Number>().Int64Value()));
  }
}

}  // namespace

void export_server(Napi::Env env, Napi::Object exports) {
  exports.Set("listen", Napi::Function::New<listen>(env, "listen"));
  exports.Set("unlisten", Napi::Function::New<unlisten>(env, "unlisten"));
  exports.Set("releaseListener", Napi::Function::New<release_listener>(env, "releaseListener"));
  exports.Set("listenerStats", Napi::Function::New<listener_stats>(env, "listenerStats"));
  exports.Set("clientAddress", Napi::Function::New<client_address_of>(env, "clientAddress"));
  exports.Set("setListenerTls", Napi::Function::New<set_listener_tls>(env, "setListenerTls"));
  exports.Set("createServerTls", Napi::Function::New<create_server_tls>(env, "createServerTls"));
  exports.Set("releaseServerTls", Napi::Function::New<release_server_tls>(env, "releaseServerTls"));
  exports.Set("accept", Napi::Function::New<accept>(env, "accept"));
  exports.Set("refuse", Napi::Function::New<refuse>(env, "refuse"));
  exports.Set("adopt", Napi::Function::New<adopt>(env, "adopt"));
  exports.Set("adoptStream", Napi::Function::New<adopt_stream>(env, "adoptStream"));
  exports.Set("feed", Napi::Function::New<feed>(env, "feed"));
  exports.Set("feedEnd", Napi::Function::New<feed_end>(env, "feedEnd"));
  exports.Set("took", Napi::Function::New<took>(env, "took"));
}

}  // namespace vws
