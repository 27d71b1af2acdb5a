#include "binding/values.h"

#include <string>

#include "engine/ws/utf8.h"

namespace vws {

namespace {

Napi::Object new_object(napi_env env) { return Napi::Object::New(Napi::Env(env)); }

void set(Napi::Object& object, const char* name, const std::string& text) {
  object.Set(name, text_to_js(object.Env(), text));
}

void set(Napi::Object& object, const char* name, int number) {
  object.Set(name, Napi::Number::New(object.Env(), number));
}

void set(Napi::Object& object, const char* name, bool flag) {
  object.Set(name, Napi::Boolean::New(object.Env(), flag));
}

Napi::Value to_buffer(Napi::Env env, const std::string& bytes) {
  return Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
}

// As Node reads headers: one byte a character.
void set_latin1(Napi::Object& object, const char* name, const std::string& text) {
  napi_value string;
  napi_create_string_latin1(object.Env(), text.data(), text.size(), &string);
  object.Set(name, string);
}

void set_or(Napi::Object& object, const char* name, const std::string& text,
            Napi::Value otherwise) {
  if (text.empty()) {
    object.Set(name, otherwise);
  } else {
    set(object, name, text);
  }
}

void set_if_any(Napi::Object& object, const char* name, const std::string& text) {
  if (!text.empty()) set(object, name, text);
}

void set_ends(Napi::Object& object, const Endpoints& ends) {
  set(object, "remoteAddress", ends.remote_address);
  set(object, "remotePort", ends.remote_port);
  set(object, "remoteFamily", ends.family);
  set(object, "localAddress", ends.local_address);
  set(object, "localPort", ends.local_port);
}

Napi::Object facts_to_js(napi_env env, const TlsFacts& facts) {
  Napi::Object object = new_object(env);
  set(object, "protocol", facts.protocol);
  set(object, "cipher", facts.cipher);
  if (!facts.certificate.empty()) {
    object.Set("certificate", Napi::Buffer<uint8_t>::Copy(env, facts.certificate.data(),
                                                          facts.certificate.size()));
  }
  return object;
}

}  // namespace

void throw_tls_error(Napi::Env env, const TlsError& error) {
  Napi::Error made = Napi::Error::New(env, error.message);
  made.Set("code", Napi::String::New(env, error.code));
  made.Set("setting", Napi::String::New(env, error.setting));
  made.Set("detail", Napi::String::New(env, error.detail));
  made.ThrowAsJavaScriptException();
}

Napi::String text_to_js(Napi::Env env, const std::string& text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  napi_value string;
  if (classify_utf8(bytes, text.size()) == Utf8Class::kInvalid) {
    napi_create_string_latin1(env, text.data(), text.size(), &string);
  } else {
    napi_create_string_utf8(env, text.data(), text.size(), &string);
  }
  return Napi::String(env, string);
}

napi_value to_js(napi_env env, const FailureValue& value) {
  Napi::Object object = new_object(env);
  const ConnectionFailure& failure = value.failure;
  set(object, "code", failure.code);
  set(object, "reason", failure.reason);
  set(object, "detail", failure.detail);
  set_if_any(object, "engine", failure.engine_words);
  set_if_any(object, "errno", failure.errno_name);
  set_if_any(object, "address", failure.address);
  set_if_any(object, "location", failure.location);
  if (failure.port) set(object, "port", failure.port);
  if (failure.close_code) set(object, "closeCode", static_cast<int>(failure.close_code));
  const int status = value.response.status ? value.response.status : failure.status;
  if (status) set(object, "status", status);
  if (value.response.status) {
    set(object, "statusText", value.response.status_text);
    set(object, "headers", value.response.headers);
    object.Set("body", to_buffer(object.Env(), value.response.body));
    if (value.held) set(object, "held", true);
  }
  return object;
}

napi_value to_js(napi_env env, const EstablishedValue& value) {
  Napi::Object object = new_object(env);
  set(object, "protocol", value.protocol);
  set(object, "extensions", value.extensions);
  set(object, "status", value.response.status);
  set(object, "statusText", value.response.status_text);
  set(object, "headers", value.response.headers);
  set_ends(object, value);
  if (value.tls) {
    Napi::Object tls = facts_to_js(env, *value.tls);
    set(tls, "alpn", value.tls->alpn);
    set(tls, "authorized", value.tls->authorized);
    set(tls, "reused", value.tls->reused);
    set(tls, "fingerprint256", value.tls->fingerprint256);
    object.Set("tls", tls);
  }
  return object;
}

napi_value to_js(napi_env env, const ClosedValue& value) {
  Napi::Object object = new_object(env);
  object.Set("reason", to_buffer(object.Env(), value.reason));
  set(object, "clean", value.clean);
  set(object, "detail", value.detail);
  if (value.excess != Excess::kNone) {
    object.Set("excess", Napi::Number::New(env, static_cast<int>(value.excess)));
  }
  return object;
}

napi_value to_js(napi_env env, const CertificateValue& value) {
  Napi::Object object = new_object(env);
  object.Set("raw", to_buffer(object.Env(), value.der));
  set(object, "servername", value.servername);
  return object;
}

napi_value to_js(napi_env env, const RequestValue& value) {
  Napi::Object object = new_object(env);
  set(object, "listener", static_cast<int>(value.listener));
  set(object, "method", value.method);
  set_latin1(object, "target", value.target);
  set(object, "minorVersion", value.minor_version);
  set_latin1(object, "headers", value.headers);
  set_ends(object, value);
  if (value.tls) {
    const ClientInfo& info = *value.tls;
    Napi::Object tls = facts_to_js(env, info);
    set_or(tls, "alpn", info.alpn, Napi::Boolean::New(env, false));
    set_or(tls, "servername", info.servername, Napi::Boolean::New(env, false));
    set(tls, "authorized", info.authorized);
    set_or(tls, "authorizationError", info.authorization_error, Napi::Env(env).Null());
    object.Set("tls", tls);
  }
  return object;
}

napi_value to_js(napi_env env, const TextValue& value) {
  return text_to_js(Napi::Env(env), value.text);
}

}  // namespace vws
