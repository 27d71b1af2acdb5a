#include "engine/tls/tls_config.h"

#include <openssl/err.h>

#include <algorithm>

#include "engine/tls/client_context.h"
#include "engine/tls/error_scope.h"
#include "engine/tls/hostname.h"
#include "engine/tls/verify.h"

namespace vws {

namespace {

struct Version {
  const char* name;
  int number;
};
constexpr Version kVersions[] = {
    {"TLSv1", TLS1_VERSION},
    {"TLSv1.1", TLS1_1_VERSION},
    {"TLSv1.2", TLS1_2_VERSION},
    {"TLSv1.3", TLS1_3_VERSION},
};

// 0: there is none of that name.
int version_number(const std::string& name) {
  for (const Version& version : kVersions) {
    if (name == version.name) return version.number;
  }
  return 0;
}

TlsError bad_version(const char* setting, const std::string& value) {
  return {"ERR_TLS_VERSION", setting,
          std::string(setting) + " must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, not '" + value + "'",
          ""};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "AB:CD:..." of 32 bytes; colons and case do not matter.
std::optional<Fingerprint256> parse_fingerprint(const std::string& text) {
  Fingerprint256 print{};
  size_t digits = 0;
  for (const char c : text) {
    if (c == ':') continue;
    const int digit = hex_digit(c);
    if (digit < 0 || digits == print.size() * 2) return std::nullopt;
    uint8_t& byte = print[digits++ / 2];
    byte = static_cast<uint8_t>(byte << 4 | digit);
  }
  return digits == print.size() * 2 ? std::optional<Fingerprint256>(print) : std::nullopt;
}

// Node's way: one list for all versions, in which TLS 1.3's suites are those with its prefix.
void split_ciphers(const std::string& ciphers, std::string& list, std::string& suites) {
  size_t begin = 0;
  while (begin <= ciphers.size()) {
    const size_t end = std::min(ciphers.find(':', begin), ciphers.size());
    const std::string entry = ciphers.substr(begin, end - begin);
    begin = end + 1;
    if (entry.empty()) continue;
    std::string& target = entry.compare(0, 4, "TLS_") == 0 ? suites : list;
    if (!target.empty()) target += ':';
    target += entry;
  }
}

bool has_tls13_suite(const SSL* ssl) {
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_get_ciphers(ssl);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any) return true;
  }
  return false;
}

// What is missing between the leaf and its root, from the authorities the user gave, as Node does.
X509StackPtr complete_chain(X509* leaf, const std::vector<X509Ptr>& authorities) {
  constexpr int kMaxDepth = 10;
  X509StackPtr chain(sk_X509_new_null());
  X509* last = leaf;
  while (chain && sk_X509_num(chain.get()) < kMaxDepth) {
    const auto issuer = std::find_if(authorities.begin(), authorities.end(), [&](const X509Ptr& c) {
      return X509_check_issued(c.get(), last) == X509_V_OK;
    });
    // The root itself is of no use to the server.
    if (issuer == authorities.end() || X509_self_signed(issuer->get(), 0) == 1) break;
    last = issuer->get();
    X509_up_ref(last);
    if (!sk_X509_push(chain.get(), last)) {
      X509_free(last);
      return nullptr;
    }
  }
  return chain;
}

// To try settings out on. Made once and never freed: other threads may use it until the process
// ends.
SSL_CTX* scratch_context() {
  static SSL_CTX* const context = make_client_context().release();
  return context;
}

TlsError out_of_memory() { return {"ERR_TLS_OUT_OF_MEMORY", "", "out of memory", ""}; }

}  // namespace

Result<std::shared_ptr<const TlsConfig>> TlsConfig::create(const TlsSettings& settings) {
  init_openssl();
  const std::shared_ptr<TlsConfig> config(new TlsConfig);
  if (auto error = config->load(settings)) return *std::move(error);
  return std::shared_ptr<const TlsConfig>(config);
}

std::optional<TlsError> TlsConfig::load(const TlsSettings& settings) {
  reject_unauthorized_ = settings.reject_unauthorized;
  check_host_ = settings.check_host;
  if (settings.session_cache) sessions_ = std::make_unique<SessionCache>();
  for (const std::string& text : settings.fingerprint256) {
    const auto print = parse_fingerprint(text);
    if (!print) {
      return TlsError{"ERR_TLS_FINGERPRINT_INVALID", "fingerprint256",
                      "fingerprint256 must be 32 bytes in hexadecimal, not '" + text + "'", ""};
    }
    fingerprints_.push_back(*print);
  }
  if (auto error = load_protocol(settings)) return error;
  if (auto error = load_certificates(settings)) return error;
  return try_out();
}

std::optional<TlsError> TlsConfig::load_protocol(const TlsSettings& settings) {
  min_version_ =
      settings.min_version.empty() ? TLS1_2_VERSION : version_number(settings.min_version);
  max_version_ =
      settings.max_version.empty() ? TLS1_3_VERSION : version_number(settings.max_version);
  if (!min_version_) return bad_version("minVersion", settings.min_version);
  if (!max_version_) return bad_version("maxVersion", settings.max_version);
  if (settings.min_version.empty()) min_version_ = std::min(min_version_, max_version_);
  if (min_version_ > max_version_) {
    return TlsError{
        "ERR_TLS_VERSION", "minVersion",
        "minVersion " + settings.min_version + " is above maxVersion " + settings.max_version, ""};
  }
  curves_ = settings.curves;
  split_ciphers(settings.ciphers, cipher_list_, cipher_suites_);
  // As in Node, a list that names suites of one kind only rules the other kind out.
  if (!cipher_list_.empty() && cipher_suites_.empty()) {
    max_version_ = std::min(max_version_, TLS1_2_VERSION);
  } else if (cipher_list_.empty() && !cipher_suites_.empty()) {
    min_version_ = std::max(min_version_, TLS1_3_VERSION);
  }
  if (min_version_ > max_version_) {
    return TlsError{"ERR_TLS_CIPHERS", "ciphers",
                    "ciphers has none for the versions allowed: '" + settings.ciphers + "'", ""};
  }
  for (const std::string& name : settings.alpn) {
    if (name.empty() || name.size() > 255) {
      return TlsError{"ERR_TLS_ALPN_INVALID", "ALPNProtocols",
                      "ALPNProtocols must be 1 to 255 bytes long each, not '" + name + "'", ""};
    }
    alpn_.push_back(static_cast<uint8_t>(name.size()));
    alpn_.insert(alpn_.end(), name.begin(), name.end());
  }
  return std::nullopt;
}

std::optional<TlsError> TlsConfig::load_certificates(const TlsSettings& settings) {
  if (settings.pfx && (settings.cert || settings.key)) {
    return TlsError{"ERR_TLS_CONFLICT", "pfx",
                    "pfx stands instead of cert and key: give one or the other", ""};
  }
  std::vector<X509Ptr> authorities;
  if (settings.ca) {
    auto parsed = parse_certificates(*settings.ca, "ca", "ERR_TLS_CA_INVALID");
    if (!parsed) return parsed.error();
    authorities = std::move(parsed.value());
  }
  if (settings.pfx || settings.cert || settings.key) {
    auto identity = settings.pfx ? parse_pfx(*settings.pfx, settings.passphrase)
                                 : parse_identity(settings.cert, settings.key, settings.passphrase);
    if (!identity) return identity.error();
    identity_ = std::move(identity.value());
    if (!identity_.chain) identity_.chain = complete_chain(identity_.leaf.get(), authorities);
  }
  // As in Node, the authorities in a PKCS #12 file are trusted besides the others.
  const STACK_OF(X509)* from_pfx = settings.pfx ? identity_.chain.get() : nullptr;
  for (int i = 0; i < sk_X509_num(from_pfx); ++i) {
    X509* authority = sk_X509_value(from_pfx, i);
    X509_up_ref(authority);
    authorities.emplace_back(authority);
  }
  trust_ = make_trust(authorities, settings.ca ? nullptr : settings.roots);
  if (!trust_) return out_of_memory();
  authorities_ = std::move(authorities);
  return std::nullopt;
}

// OpenSSL has a say in what it accepts (key sizes, names of ciphers): better now than at every
// connection.
std::optional<TlsError> TlsConfig::try_out() const {
  if (!scratch_context()) return out_of_memory();
  const SslPtr ssl(SSL_new(scratch_context()));
  if (!ssl) return out_of_memory();
  if (auto error = apply_protocol(ssl.get())) return error;
  return apply_identity(ssl.get());
}

std::optional<TlsError> TlsConfig::apply_protocol(SSL* ssl) const {
  const ErrorScope errors;
  if (!SSL_set_min_proto_version(ssl, min_version_) ||
      !SSL_set_max_proto_version(ssl, max_version_)) {
    return TlsError{"ERR_TLS_VERSION", "minVersion",
                    "minVersion or maxVersion is not supported by this OpenSSL", errors.words()};
  }
  if (!cipher_list_.empty() && SSL_set_cipher_list(ssl, cipher_list_.c_str()) != 1) {
    return TlsError{"ERR_TLS_CIPHERS", "ciphers",
                    "ciphers has no usable cipher: '" + cipher_list_ + "'", errors.words()};
  }
  if (!cipher_suites_.empty() &&
      (SSL_set_ciphersuites(ssl, cipher_suites_.c_str()) != 1 || !has_tls13_suite(ssl))) {
    return TlsError{"ERR_TLS_CIPHERS", "ciphers",
                    "ciphers has no usable TLS 1.3 suite: '" + cipher_suites_ + "'",
                    errors.words()};
  }
  if (!curves_.empty() && SSL_set1_groups_list(ssl, curves_.c_str()) != 1) {
    return TlsError{"ERR_TLS_ECDH_CURVE", "curves", "no usable list of curves: '" + curves_ + "'",
                    errors.words()};
  }
  // Unlike everything else here, it answers 0 for success. Without protocols, those of the engine
  // go.
  if (SSL_set_alpn_protos(ssl, alpn_.empty() ? nullptr : alpn_.data(),
                          static_cast<unsigned>(alpn_.size())) != 0) {
    return TlsError{"ERR_TLS_ALPN_INVALID", "ALPNProtocols", "ALPNProtocols is not acceptable",
                    errors.words()};
  }
  return std::nullopt;
}

std::optional<TlsError> TlsConfig::apply_identity(SSL* ssl) const {
  if (!identity_) return std::nullopt;
  const ErrorScope errors;
  if (SSL_use_cert_and_key(ssl, identity_.leaf.get(), identity_.key.get(), identity_.chain.get(),
                           1) == 1) {
    return std::nullopt;
  }
  return TlsError{"ERR_TLS_CERT_INVALID", "cert", "cert is refused by OpenSSL", errors.words()};
}

std::optional<TlsError> TlsConfig::apply_to_server(SSL_CTX* context) const {
  const ErrorScope errors;
  if (SSL_CTX_set1_verify_cert_store(context, trust_.get()) != 1) return out_of_memory();
  for (const X509Ptr& authority : authorities_) SSL_CTX_add_client_CA(context, authority.get());
  const bool protocol =
      SSL_CTX_set_min_proto_version(context, min_version_) == 1 &&
      SSL_CTX_set_max_proto_version(context, max_version_) == 1 &&
      (cipher_list_.empty() || SSL_CTX_set_cipher_list(context, cipher_list_.c_str()) == 1) &&
      (cipher_suites_.empty() || SSL_CTX_set_ciphersuites(context, cipher_suites_.c_str()) == 1);
  if (!protocol) {
    return TlsError{"ERR_TLS_CIPHERS", "ciphers", "ciphers or versions are refused by OpenSSL",
                    errors.words()};
  }
  if (SSL_CTX_use_cert_and_key(context, identity_.leaf.get(), identity_.key.get(),
                               identity_.chain.get(), 1) != 1) {
    return TlsError{"ERR_TLS_CERT_INVALID", "cert", "cert is refused by OpenSSL", errors.words()};
  }
  return std::nullopt;
}

std::optional<TlsFailure> TlsConfig::apply(SSL* ssl, const TlsPeer& peer,
                                           TlsVerdict& verdict) const {
  for (const auto& error : {apply_protocol(ssl), apply_identity(ssl)}) {
    if (error) return TlsFailure{error->code, error->message + " (" + error->detail + ")"};
  }
  const std::string host = canonical_host(peer.host);
  std::string asked = peer.servername ? canonical_host(*peer.servername) : host;
  const std::string& checked = asked.empty() ? host : asked;
  // Addresses are no server names (RFC 6066 §3).
  const bool names_server = !asked.empty() && !is_ip_address(asked);
  const ErrorScope errors;
  if (!SSL_set_tlsext_host_name(ssl, names_server ? asked.data() : nullptr)) {
    return TlsFailure{"ERR_TLS_SERVERNAME", "not acceptable as a server name: '" + asked + "'"};
  }
  // The host is checked by the verdict, after the chain, as Node does: not by OpenSSL within it.
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set1_host(parameters, nullptr, 0);
  X509_VERIFY_PARAM_set1_ip(parameters, nullptr, 0);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  const std::string key =
      peer.session_key.empty() || !sessions_
          ? std::string()
          : peer.session_key + '\n' + checked + (names_server ? "\n" : "\nwithout SNI");
  if (!SSL_set1_verify_cert_store(ssl, trust_.get()) ||
      !verdict.attach(ssl, shared_from_this(), checked, key)) {
    return TlsFailure{"ERR_TLS_OUT_OF_MEMORY", errors.words()};
  }
  if (!key.empty()) {
    const SslSessionPtr session = sessions_->take(key);
    verdict.offered_session_ = session && SSL_set_session(ssl, session.get()) == 1;
  }
  return std::nullopt;
}

}  // namespace vws
