#include "binding/options.h"

#include <optional>
#include <string>
#include <vector>

#include "binding/environment.h"
#include "engine/ws/tuning.h"

namespace vws {

namespace {

bool has(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return !value.IsUndefined() && !value.IsNull();
}

std::string text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

double number(const Napi::Object& object, const char* name, double otherwise = 0) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : otherwise;
}

int integer(const Napi::Object& object, const char* name, int otherwise = 0) {
  return static_cast<int>(number(object, name, otherwise));
}

uint64_t bytes(const Napi::Object& object, const char* name, uint64_t otherwise) {
  const double value = number(object, name, static_cast<double>(otherwise));
  // Infinity is a limit that is never reached.
  return value >= 9.0e18 ? UINT64_MAX / 2 : static_cast<uint64_t>(value);
}

Milliseconds milliseconds(const Napi::Object& object, const char* name) {
  return Milliseconds(static_cast<int64_t>(number(object, name)));
}

bool flag(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

std::vector<std::string> texts(const Napi::Object& object, const char* name) {
  std::vector<std::string> list;
  const Napi::Value value = object.Get(name);
  if (!value.IsArray()) return list;
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(array.Get(i).ToString().Utf8Value());
  return list;
}

// A header line as Node writes it to the wire: one byte a character.
std::vector<std::string> latin1_texts(const Napi::Object& object, const char* name) {
  std::vector<std::string> list;
  const Napi::Value value = object.Get(name);
  if (!value.IsArray()) return list;
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::String line = array.Get(i).ToString();
    size_t length = 0;
    napi_get_value_string_latin1(line.Env(), line, nullptr, 0, &length);
    std::string latin1(length + 1, '\0');
    napi_get_value_string_latin1(line.Env(), line, &latin1[0], latin1.size(), &length);
    latin1.resize(length);
    list.push_back(std::move(latin1));
  }
  return list;
}

std::optional<std::string> optional_text(const Napi::Object& object, const char* name) {
  if (!has(object, name)) return std::nullopt;
  return text(object, name);
}

std::optional<std::string> optional_bytes(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBuffer()) return std::nullopt;
  const auto buffer = value.As<Napi::Buffer<char>>();
  return std::string(buffer.Data(), buffer.Length());
}

void read_proxy(const Napi::Object& object, SocketOptions& socket) {
  ProxyOptions proxy;
  proxy.type = text(object, "type") == "socks5" ? ProxyType::kSocks5 : ProxyType::kHttp;
  proxy.host = text(object, "host");
  proxy.port = static_cast<uint16_t>(integer(object, "port"));
  proxy.auth = optional_text(object, "auth");
  proxy.resolve_locally = flag(object, "resolveLocally");
  proxy.headers = latin1_texts(object, "headers");
  socket.proxy = std::move(proxy);
}

void read_deflate_costs(const Napi::Object& object, ConnectionSettings& settings) {
  settings.deflate_threshold =
      static_cast<uint32_t>(number(object, "threshold", settings.deflate_threshold));
  settings.deflate_level = static_cast<int8_t>(integer(object, "level", settings.deflate_level));
  settings.deflate_mem_level =
      static_cast<int8_t>(integer(object, "memLevel", settings.deflate_mem_level));
}

void read_deflate(const Napi::Object& object, ConnectionOptions& options) {
  UpgradeRequest& request = options.request;
  request.offers_deflate = true;
  request.deflate.server_no_context_takeover = flag(object, "serverNoContextTakeover");
  request.deflate.client_no_context_takeover = flag(object, "clientNoContextTakeover");
  request.deflate.server_max_window_bits = integer(object, "serverMaxWindowBits");
  request.deflate.client_max_window_bits = integer(object, "clientMaxWindowBits");
  read_deflate_costs(object, options);
}

// V8's longest string, buffer.constants.MAX_STRING_LENGTH: no text can be longer in characters than in bytes.
constexpr uint64_t kLongestString = sizeof(void*) == 8 ? (1u << 29) - 24 : (1u << 28) - 16;

// What both sides take of an open connection.
void read_open_settings(const Napi::Object& object, ConnectionSettings& settings,
                        Sender::Limits& limits) {
  settings.close_timeout = milliseconds(object, "closeTimeout");
  settings.max_message = bytes(object, "maxPayload", 0);
  settings.max_fragments = bytes(object, "maxFragments", 0);
  settings.max_pending_pongs = static_cast<uint32_t>(number(object, "maxPendingAutoPongs"));
  settings.check_utf8 = !flag(object, "skipUtf8Validation");
  settings.auto_pong = flag(object, "autoPong");
  settings.text_as_bytes = flag(object, "textAsBuffer");
  if (!settings.text_as_bytes) settings.max_text = kLongestString;
  if (has(object, "heartbeat")) {
    const auto heartbeat = object.Get("heartbeat").As<Napi::Object>();
    settings.heartbeat_interval = milliseconds(heartbeat, "interval");
    settings.heartbeat_timeout = milliseconds(heartbeat, "timeout");
  }
  settings.idle_timeout = milliseconds(object, "idleTimeout");
  settings.publish_limit = bytes(object, "publishLimit", settings.publish_limit);
  settings.drop_oldest = flag(object, "dropOldest");
  limits.limit = bytes(object, "sendLimit", limits.limit);
  limits.high_water = bytes(object, "highWaterMark", limits.high_water);
}

// In force: the server's parameters are about what it sends.
DeflateTerms read_deflate_terms(const Napi::Object& object, bool is_server) {
  DeflateTerms terms;
  const int server_bits = integer(object, "serverMaxWindowBits", 15);
  const int client_bits = integer(object, "clientMaxWindowBits", 15);
  const bool server_forgets = flag(object, "serverNoContextTakeover");
  const bool client_forgets = flag(object, "clientNoContextTakeover");
  terms.out_window_bits = is_server ? server_bits : client_bits;
  terms.in_window_bits = is_server ? client_bits : server_bits;
  terms.out_no_context_takeover = is_server ? server_forgets : client_forgets;
  terms.in_no_context_takeover = is_server ? client_forgets : server_forgets;
  return terms;
}

}  // namespace

ConnectTarget read_connect_options(const Napi::Object& object, const Environment& environment) {
  ConnectTarget target;
  ConnectionOptions& options = target.options;
  SocketOptions& socket = options.socket;
  socket.host = text(object, "host");
  socket.port = static_cast<uint16_t>(integer(object, "port"));
  socket.unix_path = text(object, "socketPath");
  socket.addresses = texts(object, "addresses");
  socket.family = integer(object, "family");
  socket.local_address = text(object, "localAddress");
  if (has(object, "proxy")) read_proxy(object.Get("proxy").As<Napi::Object>(), socket);

  UpgradeRequest& request = options.request;
  request.secure = flag(object, "secure");
  request.host = socket.host;
  request.path = text(object, "path");
  request.host_header = text(object, "hostHeader");
  request.protocols = texts(object, "protocols");
  request.headers = latin1_texts(object, "headers");
  request.verify_in_js = flag(object, "verifyInJs");
  if (request.secure) {
    request.tls = environment.tls(integer(object, "tls"));
    request.servername = optional_text(object, "servername");
    request.session_key = socket.unix_path + socket.host + ":" + std::to_string(socket.port);
  }
  if (has(object, "deflate")) read_deflate(object.Get("deflate").As<Napi::Object>(), options);

  options.handshake_timeout = milliseconds(object, "handshakeTimeout");
  read_open_settings(object, options, target.limits);
  return target;
}

TlsSettings read_tls_settings(const Napi::Object& object) {
  TlsSettings settings;
  settings.ca = optional_bytes(object, "ca");
  settings.cert = optional_bytes(object, "cert");
  settings.key = optional_bytes(object, "key");
  settings.pfx = optional_bytes(object, "pfx");
  settings.passphrase = optional_text(object, "passphrase");
  settings.ciphers = text(object, "ciphers");
  settings.curves = text(object, "curves");
  settings.min_version = text(object, "minVersion");
  settings.max_version = text(object, "maxVersion");
  settings.alpn = texts(object, "alpn");
  settings.reject_unauthorized = flag(object, "rejectUnauthorized");
  settings.check_host = flag(object, "checkHost");
  settings.fingerprint256 = texts(object, "fingerprint256");
  return settings;
}

AcceptTarget read_accept_options(const Napi::Object& object) {
  AcceptTarget target;
  AcceptOptions& options = target.options;
  const bool is_server = flag(object, "isServer");
  options.role = is_server ? kServerRole : kClientRole;
  read_open_settings(object, options, target.limits);
  if (has(object, "deflate")) {
    const auto deflate = object.Get("deflate").As<Napi::Object>();
    options.deflate = read_deflate_terms(deflate, is_server);
    read_deflate_costs(deflate, options);
  }
  return target;
}

ListenAddress read_listen_address(const Napi::Object& object) {
  ListenAddress address;
  address.host = text(object, "host");
  address.port = static_cast<uint16_t>(integer(object, "port"));
  address.path = text(object, "path");
  address.fd = integer(object, "fd", -1);
  address.backlog = integer(object, "backlog", address.backlog);
  address.ipv6_only = flag(object, "ipv6Only");
  address.reuse_port = flag(object, "reusePort");
  return address;
}

TrustedProxies read_trusted_proxies(const Napi::Object& object) {
  TrustedProxies proxies;
  for (const std::string& one : texts(object, "addresses")) proxies.networks.add(one);
  if (text(object, "header") == "forwarded") proxies.header = TrustedProxies::Header::kForwarded;
  return proxies;
}

ListenerSettings read_listener_settings(const Napi::Object& object) {
  ListenerSettings settings;
  const auto count = [&object](const char* name) {
    return static_cast<uint32_t>(number(object, name));
  };
  // A head without settings would be one.
  if (const uint32_t most = count("maxHeaderSize")) settings.head.bytes = most;
  if (const uint32_t most = count("maxHeadersCount")) settings.head.headers = most;
  settings.handshake_timeout = milliseconds(object, "handshakeTimeout");
  settings.handshakes = count("maxHandshakes");
  settings.connections = count("maxConnections");
  settings.connections_per_address = count("maxConnectionsPerAddress");
  ListenerProxies& proxies = settings.proxies;
  proxies.all_send_header = flag(object, "proxyProtocol");
  for (const std::string& one : texts(object, "proxyProtocol")) proxies.send_header.add(one);
  if (has(object, "trustedProxies")) {
    proxies.trusted = read_trusted_proxies(object.Get("trustedProxies").As<Napi::Object>());
  }
  return settings;
}

ServerTlsSettings read_server_tls_settings(const Napi::Object& object) {
  ServerTlsSettings settings;
  settings.base = read_tls_settings(object);
  settings.request_cert = flag(object, "requestCert");
  settings.honor_cipher_order = flag(object, "honorCipherOrder");
  settings.session_timeout = static_cast<uint32_t>(number(object, "sessionTimeout"));
  settings.ecdh_curves = text(object, "ecdhCurve");
  settings.ticket_keys = optional_bytes(object, "ticketKeys").value_or(std::string());
  settings.ocsp_response = optional_bytes(object, "ocspResponse").value_or(std::string());
  return settings;
}

EngineSettings read_engine_settings(const Napi::Object& object) {
  EngineSettings settings;
  const std::string service = text(object, "service");
  settings.mode = service == "loop"                                ? ServiceMode::kLoop
                  : service == "thread" || !tuning().inline_writes ? ServiceMode::kThread
                                                                   : ServiceMode::kAdaptive;
  settings.lanes = static_cast<size_t>(integer(object, "threads", 1));
  settings.inbound_high_water =
      static_cast<size_t>(bytes(object, "inboundHighWaterMark", settings.inbound_high_water));
  settings.inbound_low_water =
      static_cast<size_t>(bytes(object, "inboundLowWaterMark", settings.inbound_low_water));
  return settings;
}

}  // namespace vws
