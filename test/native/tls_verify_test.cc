// Every verdict on a server's certificate, and what Node.js calls it.

#include <string>

#include "harness.h"
#include "tls_support.h"

using namespace tls_test;

namespace {

const Credentials& root() {
  static const Credentials made = make_authority("Test Root");
  return made;
}

TlsSettings trusting_root() {
  TlsSettings settings;
  settings.ca = pem_of(root().certificate);
  return settings;
}

struct Outcome {
  bool connected = false;
  bool authorized = false;
  TlsFailure failure;
  std::vector<std::string> chain_errors;
};

Outcome connect(const TlsSettings& settings, ServerSpec spec, const TlsPeer& peer) {
  TlsServer server(std::move(spec));
  TlsPair pair(make_config(settings), server, peer);
  Outcome outcome;
  outcome.connected = pair.handshake();
  outcome.authorized = pair.verdict().authorized();
  outcome.failure = outcome.connected ? pair.verdict().failure() : pair.failure();
  outcome.chain_errors = pair.verdict().chain_errors();
  // What the engine looks at must agree.
  CHECK_EQ(SSL_get_verify_result(pair.client()) == X509_V_OK, outcome.connected);
  CHECK_EQ(pair.verdict().refused(), !outcome.connected);
  return outcome;
}

Outcome connect(const TlsSettings& settings, const Credentials& server, const std::string& host) {
  ServerSpec spec;
  spec.credentials = &server;
  return connect(settings, spec, TlsPeer{host, std::nullopt, ""});
}

// Refused by default; let through, with the same words, where the user wants it so.
void expect_refusal(TlsSettings settings, const ServerSpec& spec, const std::string& host,
                    const std::string& code) {
  const Outcome strict = connect(settings, spec, TlsPeer{host, std::nullopt, ""});
  CHECK(!strict.connected);
  CHECK(!strict.authorized);
  CHECK_EQ(strict.failure.code, code);
  CHECK(!strict.failure.detail.empty());
  settings.reject_unauthorized = false;
  const Outcome lenient = connect(settings, spec, TlsPeer{host, std::nullopt, ""});
  CHECK(lenient.connected);
  CHECK(!lenient.authorized);
  CHECK_EQ(lenient.failure.code, code);
  CHECK_EQ(lenient.failure.detail, strict.failure.detail);
}

void expect_refusal(const TlsSettings& settings, const Credentials& server, const std::string& host,
                    const std::string& code) {
  ServerSpec spec;
  spec.credentials = &server;
  expect_refusal(settings, spec, host, code);
}

Credentials leaf_with_dates(long from, long to) {
  CertificateSpec spec;
  spec.common_name = "dated";
  spec.altnames = "DNS:host.example";
  spec.valid_from = from;
  spec.valid_to = to;
  return make_credentials(spec, &root());
}

void expect_named(const std::string& altnames, const std::string& host, bool named) {
  const Credentials leaf = make_leaf("common.example", altnames, root());
  const Outcome outcome = connect(trusting_root(), leaf, host);
  if (outcome.connected != named) fprintf(stderr, "%s for %s\n", altnames.c_str(), host.c_str());
  CHECK_EQ(outcome.connected, named);
  CHECK_EQ(outcome.authorized, named);
  CHECK_EQ(outcome.failure.code, std::string(named ? "" : "ERR_TLS_CERT_ALTNAME_INVALID"));
}

}  // namespace

TEST("verify good") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  const Outcome outcome = connect(trusting_root(), leaf, "host.example");
  CHECK(outcome.connected);
  CHECK(outcome.authorized);
  CHECK(!outcome.failure);
  CHECK(outcome.chain_errors.empty());
}

TEST("verify expired") {
  expect_refusal(trusting_root(), leaf_with_dates(-7200, -3600), "host.example",
                 "CERT_HAS_EXPIRED");
}

TEST("verify not yet valid") {
  expect_refusal(trusting_root(), leaf_with_dates(3600, 7200), "host.example",
                 "CERT_NOT_YET_VALID");
}

TEST("verify expired authority") {
  CertificateSpec spec;
  spec.common_name = "Old Root";
  spec.authority = true;
  spec.valid_from = -7200;
  spec.valid_to = -3600;
  const Credentials old_root = make_credentials(spec);
  const Credentials leaf = make_leaf("host", "DNS:host.example", old_root);
  TlsSettings settings;
  settings.ca = pem_of(old_root.certificate);
  expect_refusal(settings, leaf, "host.example", "CERT_HAS_EXPIRED");
  const Outcome outcome = connect(settings, leaf, "host.example");
  CHECK(outcome.failure.detail.find("certificate 1 of the chain") != std::string::npos);
}

TEST("verify self signed") {
  CertificateSpec spec;
  spec.common_name = "self";
  spec.altnames = "DNS:host.example";
  const Credentials self = make_credentials(spec);
  expect_refusal(trusting_root(), self, "host.example", "DEPTH_ZERO_SELF_SIGNED_CERT");
  // Trusted by name, it is as good as any.
  TlsSettings settings;
  settings.ca = pem_of(self.certificate);
  CHECK(connect(settings, self, "host.example").authorized);
}

TEST("verify self signed in chain") {
  const Credentials other_root = make_authority("Other Root");
  const Credentials leaf = make_leaf("host", "DNS:host.example", other_root);
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.chain = {&other_root};
  expect_refusal(trusting_root(), spec, "host.example", "SELF_SIGNED_CERT_IN_CHAIN");
}

TEST("verify unknown issuer") {
  const Credentials other_root = make_authority("Other Root");
  const Credentials leaf = make_leaf("host", "DNS:host.example", other_root);
  expect_refusal(trusting_root(), leaf, "host.example", "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const Outcome outcome = connect(trusting_root(), leaf, "host.example");
  CHECK_EQ(outcome.chain_errors.size(), 2u);
  CHECK_EQ(outcome.chain_errors[0], "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
}

TEST("verify unknown root of chain") {
  const Credentials other_root = make_authority("Other Root");
  const Credentials between = make_authority("Between", &other_root);
  const Credentials leaf = make_leaf("host", "DNS:host.example", between);
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.chain = {&between};
  expect_refusal(trusting_root(), spec, "host.example", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
  // An authority that is not self-signed is no root.
  TlsSettings settings;
  settings.ca = pem_of(between.certificate);
  expect_refusal(settings, spec, "host.example", "UNABLE_TO_GET_ISSUER_CERT");
}

TEST("verify intermediate") {
  const Credentials between = make_authority("Between", &root());
  const Credentials leaf = make_leaf("host", "DNS:host.example", between);
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.chain = {&between};
  CHECK(connect(trusting_root(), spec, TlsPeer{"host.example", std::nullopt, ""}).authorized);
}

TEST("verify issuer is no authority") {
  const Credentials not_an_authority = make_leaf("leaf", "DNS:leaf.example", root());
  const Credentials leaf = make_leaf("host", "DNS:host.example", not_an_authority);
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.chain = {&not_an_authority};
  // Of two things that are wrong Node names the last.
  expect_refusal(trusting_root(), spec, "host.example", "INVALID_PURPOSE");
  const Outcome outcome = connect(trusting_root(), spec, TlsPeer{"host.example", std::nullopt, ""});
  CHECK_EQ(outcome.chain_errors.front(), "INVALID_CA");
}

TEST("verify wrong purpose") {
  CertificateSpec spec;
  spec.common_name = "client";
  spec.altnames = "DNS:host.example";
  spec.usage = "clientAuth";
  const Credentials leaf = make_credentials(spec, &root());
  expect_refusal(trusting_root(), leaf, "host.example", "INVALID_PURPOSE");
}

TEST("verify forged signature") {
  Credentials impostor = make_authority("Test Root");  // the name, but not the key
  const Credentials leaf = make_leaf("host", "DNS:host.example", impostor);
  const Outcome outcome = connect(trusting_root(), leaf, "host.example");
  CHECK(!outcome.connected);
}

TEST("verify names") {
  expect_named("DNS:host.example", "host.example", true);
  expect_named("DNS:host.example", "HOST.example", true);
  expect_named("DNS:host.example", "host.example.", true);
  expect_named("DNS:host.example", "other.example", false);
  expect_named("DNS:host.example", "sub.host.example", false);
  expect_named("DNS:host.example", ".example", false);
  expect_named("DNS:a.example,DNS:b.example", "b.example", true);
  expect_named("DNS:*.host.example", "sub.host.example", true);
  expect_named("DNS:*.host.example", "host.example", false);
  expect_named("DNS:*.host.example", "a.sub.host.example", false);
  expect_named("DNS:su*.host.example", "sub.host.example", false);
  // The common name counts only where there is no alternative DNS name.
  expect_named("DNS:host.example", "common.example", false);
  expect_named("", "common.example", true);
  expect_named("IP:127.0.0.1", "common.example", true);
}

TEST("verify addresses") {
  expect_named("IP:127.0.0.1", "127.0.0.1", true);
  expect_named("IP:127.0.0.1", "127.0.0.2", false);
  expect_named("DNS:127.0.0.1", "127.0.0.1", false);
  expect_named("IP:0:0:0:0:0:0:0:1", "::1", true);
  expect_named("IP:fe80:0:0:0:0:0:0:1", "fe80::1%eth0", true);
  expect_named("IP:0:0:0:0:0:0:0:1", "::2", false);
}

TEST("verify mismatch in words") {
  const std::string begin = "Hostname/IP does not match certificate's altnames: ";
  const Credentials leaf = make_leaf("common.example", "DNS:a.example,IP:10.0.0.1", root());
  CHECK_EQ(
      connect(trusting_root(), leaf, "b.example").failure.detail,
      begin + "Host: b.example. is not in the cert's altnames: DNS:a.example, IP Address:10.0.0.1");
  CHECK_EQ(connect(trusting_root(), leaf, "10.0.0.2").failure.detail,
           begin + "IP: 10.0.0.2 is not in the cert's list: 10.0.0.1");
  const Credentials common = make_leaf("common.example", "", root());
  CHECK_EQ(connect(trusting_root(), common, "b.example").failure.detail,
           begin + "Host: b.example. is not cert's CN: common.example");
}

TEST("verify host unchecked") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  TlsSettings settings = trusting_root();
  settings.check_host = false;
  CHECK(connect(settings, leaf, "other.example").authorized);
}

TEST("verify chain before host") {
  expect_refusal(trusting_root(), leaf_with_dates(-7200, -3600), "other.example",
                 "CERT_HAS_EXPIRED");
}

TEST("verify servername") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  TlsServer server(spec);
  const auto config = make_config(trusting_root());

  TlsPair named(config, server, TlsPeer{"10.0.0.1", "host.example", ""});
  CHECK(named.handshake());
  CHECK_EQ(std::string(SSL_get_servername(named.server(), TLSEXT_NAMETYPE_host_name)),
           "host.example");

  // Empty: no SNI, but the check is for the host.
  TlsPair silent(config, server, TlsPeer{"host.example", "", ""});
  CHECK(silent.handshake());
  CHECK(SSL_get_servername(silent.server(), TLSEXT_NAMETYPE_host_name) == nullptr);

  // An address is no server name.
  const Credentials by_address = make_leaf("host", "IP:127.0.0.1", root());
  ServerSpec address_spec;
  address_spec.credentials = &by_address;
  TlsServer address_server(address_spec);
  TlsPair address(config, address_server, TlsPeer{"127.0.0.1", std::nullopt, ""});
  CHECK(address.handshake());
  CHECK(SSL_get_servername(address.server(), TLSEXT_NAMETYPE_host_name) == nullptr);

  TlsPair absurd(config, server, TlsPeer{"host.example", std::string(300, 'a'), ""});
  CHECK(absurd.apply_failure().has_value());
  if (absurd.apply_failure()) CHECK_EQ(absurd.apply_failure()->code, "ERR_TLS_SERVERNAME");
}

TEST("verify engine settings are overridden") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.alpn = "http/1.1";
  TlsServer server(spec);
  TlsPair pair(server);
  SSL* client = pair.client();
  // As the engine leaves it.
  X509_VERIFY_PARAM_set1_host(SSL_get0_param(client), "localhost", 0);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client), "127.0.0.1");
  SSL_set_tlsext_host_name(client, const_cast<char*>("localhost"));
  SSL_set_alpn_protos(client, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  SSL_set_verify(client, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 0; });
  const TlsPeer peer{"host.example", std::nullopt, ""};
  CHECK(!make_config(trusting_root())->apply(client, peer, pair.verdict()));
  CHECK(pair.handshake());
  CHECK(pair.verdict().authorized());
  CHECK_EQ(std::string(SSL_get_servername(pair.server(), TLSEXT_NAMETYPE_host_name)),
           "host.example");
  CHECK_EQ(pair.info().alpn, "");
}

TEST("verify pinning") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  const std::string print = fingerprint256(leaf.certificate.get());
  TlsSettings settings = trusting_root();
  settings.fingerprint256 = {std::string(64, '0'), print};
  CHECK(connect(settings, leaf, "host.example").authorized);

  // Lower case and without colons it is the same.
  std::string plain;
  for (const char c : print) {
    if (c != ':') plain += static_cast<char>(tolower(c));
  }
  settings.fingerprint256 = {plain};
  CHECK(connect(settings, leaf, "host.example").authorized);

  settings.fingerprint256 = {std::string(64, '0')};
  Outcome outcome = connect(settings, leaf, "host.example");
  CHECK(!outcome.connected);
  CHECK_EQ(outcome.failure.code, "ERR_TLS_FINGERPRINT_MISMATCH");
  CHECK(outcome.failure.detail.find(print) != std::string::npos);

  // Also where nothing else is checked.
  settings.reject_unauthorized = false;
  outcome = connect(settings, leaf, "host.example");
  CHECK(!outcome.connected);
  CHECK_EQ(outcome.failure.code, "ERR_TLS_FINGERPRINT_MISMATCH");

  // A self-signed certificate that is pinned goes through, unauthorized.
  CertificateSpec spec;
  spec.common_name = "self";
  const Credentials self = make_credentials(spec);
  settings.fingerprint256 = {fingerprint256(self.certificate.get())};
  outcome = connect(settings, self, "host.example");
  CHECK(outcome.connected);
  CHECK(!outcome.authorized);
  CHECK_EQ(outcome.failure.code, "DEPTH_ZERO_SELF_SIGNED_CERT");
}

TEST("verify without a verdict") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  TlsServer server(spec);
  TlsPair pair(server);
  // Whose settings nobody knows must not come to stand.
  X509_STORE_add_cert(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(pair.client())),
                      root().certificate.get());
  SSL_set_verify(pair.client(), SSL_VERIFY_PEER, nullptr);
  CHECK(!pair.handshake());
  CHECK_EQ(pair.failure().code, "ERR_SSL_CERTIFICATE_VERIFY_FAILED");
}

TEST("verify verdict outlives connection") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  TlsServer server(spec);
  TlsPair pair(make_config(trusting_root()), server, TlsPeer{"host.example", std::nullopt, ""});
  CHECK(pair.handshake());
  pair.drop_client();
  CHECK(pair.verdict().authorized());
}

TEST("verify connection outlives verdict") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  SslPtr client(SSL_new(client_context()));
  {
    TlsVerdict verdict;
    CHECK(!make_config(trusting_root())
               ->apply(client.get(), TlsPeer{"host.example", std::nullopt, ""}, verdict));
    CHECK(TlsVerdict::of(client.get()) == &verdict);
  }
  CHECK(TlsVerdict::of(client.get()) == nullptr);
}

TEST("peer info") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.alpn = "http/1.1";
  TlsServer server(spec);
  TlsSettings settings = trusting_root();
  settings.alpn = {"x", "http/1.1"};
  TlsPair pair(make_config(settings), server, TlsPeer{"host.example", std::nullopt, ""});
  CHECK(pair.handshake());
  const PeerInfo info = pair.info();
  CHECK_EQ(info.protocol, "TLSv1.3");
  CHECK_EQ(info.cipher, "TLS_AES_256_GCM_SHA384");
  CHECK_EQ(info.alpn, "http/1.1");
  CHECK(info.authorized);
  CHECK(!info.reused);
  CHECK_EQ(info.fingerprint256.size(), 32u * 3 - 1);
  const std::vector<uint8_t> der = leaf_der(pair.client());
  CHECK_EQ(std::string(der.begin(), der.end()), der_of(leaf.certificate));
}

TEST_MAIN
