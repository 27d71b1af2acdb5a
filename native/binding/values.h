#pragma once

#include <napi.h>

#include "engine/events.h"

namespace vws {

// What records carry, as the objects that lib/addon/contract.ts describes. JavaScript thread.
napi_value to_js(napi_env env, const FailureValue& value);
napi_value to_js(napi_env env, const EstablishedValue& value);
napi_value to_js(napi_env env, const ClosedValue& value);
napi_value to_js(napi_env env, const CertificateValue& value);
napi_value to_js(napi_env env, const RequestValue& value);
napi_value to_js(napi_env env, const TextValue& value);

// A mistake in a user's TLS options.
void throw_tls_error(Napi::Env env, const TlsError& error);

// Text that is not known to be UTF-8 (a header, the system's words): what is not is read as Latin-1.
Napi::String text_to_js(Napi::Env env, const std::string& text);

}  // namespace vws
