// What settings are accepted, and what is said of those that are not.

#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include <string>

#include "harness.h"
#include "tls_support.h"

using namespace tls_test;

namespace {

const Credentials& root() {
  static const Credentials made = make_authority("Test Root");
  return made;
}

const Credentials& client() {
  static const Credentials made = make_leaf("client", "DNS:client.example", root());
  return made;
}

std::string both_pem() { return pem_of(client().certificate) + pem_of(client().key); }

void accept(const TlsSettings& settings) {
  const auto made = TlsConfig::create(settings);
  CHECK(static_cast<bool>(made));
  if (!made) CHECK_EQ(made.error().message, "");
  CHECK_EQ(ERR_peek_error(), 0u);
}

void refuse(const TlsSettings& settings, const std::string& code, const std::string& setting,
            const std::string& words) {
  const auto made = TlsConfig::create(settings);
  if (!CHECK(!made)) return;
  CHECK_EQ(made.error().code, code);
  CHECK_EQ(made.error().setting, setting);
  if (!CHECK(made.error().message.find(words) != std::string::npos)) {
    CHECK_EQ(made.error().message, words);
  }
  CHECK(made.error().message.find(setting) != std::string::npos);
  CHECK_EQ(ERR_peek_error(), 0u);
}

TlsSettings with_identity(const std::string& cert, const std::string& key) {
  TlsSettings settings;
  settings.cert = cert;
  settings.key = key;
  return settings;
}

std::string make_pfx(const char* passphrase, const std::vector<const Credentials*>& chain = {},
                     X509* certificate = client().certificate.get(),
                     EVP_PKEY* key = client().key.get()) {
  STACK_OF(X509)* stack = sk_X509_new_null();
  for (const Credentials* one : chain) sk_X509_push(stack, one->certificate.get());
  const Pkcs12Ptr pfx(PKCS12_create(passphrase, "test", key, certificate, stack, 0, 0, 0, 0, 0));
  sk_X509_free(stack);
  const BioPtr out(BIO_new(BIO_s_mem()));
  i2d_PKCS12_bio(out.get(), pfx.get());
  return drain(out.get());
}

// Encrypted PKCS #8 without the armour.
std::string encrypted_der(const PkeyPtr& key, const char* passphrase) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  i2d_PKCS8PrivateKey_bio(out.get(), key.get(), EVP_aes_256_cbc(), nullptr, 0, nullptr,
                          const_cast<char*>(passphrase));
  return drain(out.get());
}

// The older way of encrypting PEM, with Proc-Type and DEK-Info.
std::string traditional_pem(const PkeyPtr& key, const char* passphrase) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(out.get(), key.get(),
                                       passphrase ? EVP_aes_128_cbc() : nullptr, nullptr, 0,
                                       nullptr, const_cast<char*>(passphrase));
  return drain(out.get());
}

// Whether a server that wants a certificate of the root gets it.
bool is_presented(const TlsSettings& settings) {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.client_authority = &root();
  TlsServer server(spec);
  TlsSettings complete = settings;
  if (!complete.ca) complete.ca = pem_of(root().certificate);
  TlsPair pair(make_config(complete), server, TlsPeer{"host.example", std::nullopt, ""});
  return pair.handshake();
}

}  // namespace

TEST("config defaults") { accept(TlsSettings()); }

TEST("config curves") {
  TlsSettings settings;
  settings.curves = "P-384:X25519";
  accept(settings);
  settings.curves = "P-384:NONE-SUCH";
  refuse(settings, "ERR_TLS_ECDH_CURVE", "curves", "'P-384:NONE-SUCH'");
}

TEST("config certificate and key") {
  const std::string cert = pem_of(client().certificate);
  const std::string key = pem_of(client().key);
  CHECK(is_presented(with_identity(cert, key)));
  CHECK(is_presented(with_identity(der_of(client().certificate), der_of(client().key))));
  CHECK(is_presented(with_identity(der_of(client().certificate), key)));
  CHECK(!is_presented(TlsSettings()));
}

TEST("config one file holds both") {
  TlsSettings settings;
  settings.cert = both_pem();
  CHECK(is_presented(settings));
  settings.cert = pem_of(client().key) + "\nsome words between\n" + pem_of(client().certificate);
  CHECK(is_presented(settings));
  TlsSettings as_key;
  as_key.key = both_pem();
  CHECK(is_presented(as_key));
  // Named twice it is the same.
  CHECK(is_presented(with_identity(both_pem(), both_pem())));
}

TEST("config certificates with their chain") {
  const Credentials between = make_authority("Between", &root());
  const Credentials leaf = make_leaf("client", "", between);
  TlsSettings settings =
      with_identity(pem_of(leaf.certificate) + pem_of(between.certificate), pem_of(leaf.key));
  CHECK(is_presented(settings));
  settings.cert = pem_of(leaf.certificate);
  CHECK(!is_presented(settings));
  // What is missing is taken from ca.
  settings.ca = pem_of(root().certificate) + pem_of(between.certificate);
  CHECK(is_presented(settings));
}

TEST("config other kinds of keys") {
  CertificateSpec spec;
  spec.common_name = "client";
  const Credentials rsa = make_credentials(spec, &root(), PkeyPtr(EVP_RSA_gen(2048)));
  CHECK(is_presented(with_identity(pem_of(rsa.certificate), pem_of(rsa.key))));
  CHECK(is_presented(with_identity(pem_of(rsa.certificate), traditional_pem(rsa.key, nullptr))));
  const Credentials ed =
      make_credentials(spec, nullptr, PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
  const auto parsed = parse_key(pem_of(ed.key), std::nullopt, "key");
  CHECK(static_cast<bool>(parsed));
}

TEST("config encrypted keys") {
  const std::string cert = pem_of(client().certificate);
  for (const std::string& key :
       {pem_of(client().key, "secret"), traditional_pem(client().key, "secret"),
        encrypted_der(client().key, "secret")}) {
    TlsSettings settings = with_identity(cert, key);
    refuse(settings, "ERR_TLS_PASSPHRASE", "passphrase", "needs a passphrase");
    settings.passphrase = "wrong";
    refuse(settings, "ERR_TLS_PASSPHRASE", "passphrase", "wrong passphrase for key");
    settings.passphrase = "";
    refuse(settings, "ERR_TLS_PASSPHRASE", "passphrase", "wrong passphrase");
    settings.passphrase = std::string(5000, 'x');
    refuse(settings, "ERR_TLS_PASSPHRASE", "passphrase", "wrong passphrase");
    settings.passphrase = "secret";
    CHECK(is_presented(settings));
  }
  // Of one that is not encrypted nothing is asked.
  TlsSettings plain = with_identity(cert, pem_of(client().key));
  plain.passphrase = "not needed";
  CHECK(is_presented(plain));
  TlsSettings both;
  both.cert = cert + pem_of(client().key, "secret");
  both.passphrase = "wrong";
  refuse(both, "ERR_TLS_PASSPHRASE", "passphrase", "wrong passphrase for cert");
}

TEST("config bad certificates") {
  const std::string key = pem_of(client().key);
  const std::string cert = pem_of(client().certificate);
  refuse(with_identity("", key), "ERR_TLS_CERT_INVALID", "cert", "is empty");
  refuse(with_identity("garbage", key), "ERR_TLS_CERT_INVALID", "cert", "not a certificate");
  refuse(with_identity(std::string(1000, '\0'), key), "ERR_TLS_CERT_INVALID", "cert",
         "not a certificate");
  refuse(with_identity(key, key), "ERR_TLS_CERT_INVALID", "cert", "holds no certificate");
  const std::string damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  refuse(with_identity(damaged, key), "ERR_TLS_CERT_INVALID", "cert", "certificate 1 is damaged");
  refuse(with_identity(cert + damaged, key), "ERR_TLS_CERT_INVALID", "cert",
         "certificate 2 is damaged");
  refuse(with_identity(cert.substr(0, cert.size() / 2), key), "ERR_TLS_CERT_INVALID", "cert",
         "damaged");
  const std::string der = der_of(client().certificate);
  refuse(with_identity(der.substr(0, der.size() - 1), key), "ERR_TLS_CERT_INVALID", "cert",
         "not a certificate");
  refuse(with_identity(der + "x", key), "ERR_TLS_CERT_INVALID", "cert", "not a certificate");
}

TEST("config bad keys") {
  const std::string cert = pem_of(client().certificate);
  refuse(with_identity(cert, ""), "ERR_TLS_KEY_INVALID", "key", "is empty");
  refuse(with_identity(cert, "garbage"), "ERR_TLS_KEY_INVALID", "key", "holds no private key");
  refuse(with_identity(cert, cert), "ERR_TLS_KEY_INVALID", "key", "holds no private key");
  const std::string key = pem_of(client().key);
  refuse(with_identity(cert, key.substr(0, key.size() / 2)), "ERR_TLS_KEY_INVALID", "key",
         "holds no private key");
  refuse(with_identity(cert, pem_of(root().key)), "ERR_TLS_KEY_MISMATCH", "key", "does not match");
  TlsSettings alone;
  alone.cert = cert;
  refuse(alone, "ERR_TLS_KEY_MISSING", "key", "without its private key");
  TlsSettings key_alone;
  key_alone.key = key;
  refuse(key_alone, "ERR_TLS_CERT_MISSING", "cert", "without its certificate");
  TlsSettings mixed;
  mixed.cert = cert + pem_of(root().key);
  refuse(mixed, "ERR_TLS_KEY_MISMATCH", "cert", "do not match");
}

TEST("config weak key is refused at once") {
  CertificateSpec spec;
  spec.common_name = "weak";
  const Credentials weak = make_credentials(spec, nullptr, PkeyPtr(EVP_RSA_gen(1024)));
  const TlsSettings settings = with_identity(pem_of(weak.certificate), pem_of(weak.key));
  const auto made = TlsConfig::create(settings);
  if (!CHECK(!made)) return;
  CHECK_EQ(made.error().code, "ERR_TLS_CERT_INVALID");
  CHECK(made.error().detail.find("key too small") != std::string::npos);
}

TEST("config pfx") {
  TlsSettings settings;
  settings.pfx = make_pfx("secret", {&root()});
  refuse(settings, "ERR_TLS_PASSPHRASE", "passphrase", "needs a passphrase");
  settings.passphrase = "wrong";
  refuse(settings, "ERR_TLS_PASSPHRASE", "passphrase", "wrong passphrase for pfx");
  settings.passphrase = "secret";
  CHECK(is_presented(settings));

  TlsSettings open;
  open.pfx = make_pfx(nullptr);
  CHECK(is_presented(open));
  open.pfx = make_pfx("");
  CHECK(is_presented(open));
}

TEST("config authorities of a pfx are trusted") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  TlsServer server(spec);
  TlsSettings settings;
  settings.pfx = make_pfx("secret", {&root()});
  settings.passphrase = "secret";
  TlsPair pair(make_config(settings), server, TlsPeer{"host.example", std::nullopt, ""});
  CHECK(pair.handshake());
  CHECK(pair.verdict().authorized());
}

TEST("config bad pfx") {
  TlsSettings settings;
  settings.pfx = "";
  refuse(settings, "ERR_TLS_PFX_INVALID", "pfx", "is empty");
  settings.pfx = "garbage";
  refuse(settings, "ERR_TLS_PFX_INVALID", "pfx", "not a PKCS #12");
  settings.pfx = both_pem();
  refuse(settings, "ERR_TLS_PFX_INVALID", "pfx", "not a PKCS #12");
  settings.passphrase = "secret";
  settings.pfx = make_pfx("secret", {}, client().certificate.get(), nullptr);
  refuse(settings, "ERR_TLS_PFX_INVALID", "pfx", "no private key");
  settings.pfx = make_pfx("secret", {}, nullptr, client().key.get());
  refuse(settings, "ERR_TLS_PFX_INVALID", "pfx", "no certificate");
  settings.pfx = make_pfx("secret");
  settings.cert = both_pem();
  refuse(settings, "ERR_TLS_CONFLICT", "pfx", "instead of cert and key");
}

TEST("config ca") {
  TlsSettings settings;
  settings.ca = pem_of(root().certificate) + pem_of(client().certificate);
  accept(settings);
  settings.ca = der_of(root().certificate);
  accept(settings);
  settings.ca = "";
  refuse(settings, "ERR_TLS_CA_INVALID", "ca", "is empty");
  settings.ca = "garbage";
  refuse(settings, "ERR_TLS_CA_INVALID", "ca", "not a certificate");
  settings.ca = pem_of(client().key);
  refuse(settings, "ERR_TLS_CA_INVALID", "ca", "holds no certificate");
}

TEST("config versions") {
  TlsSettings settings;
  for (const char* version : {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}) {
    settings.min_version = version;
    accept(settings);
  }
  settings.min_version = "SSLv3";
  refuse(settings, "ERR_TLS_VERSION", "minVersion", "not 'SSLv3'");
  settings.min_version = "TLSv1.3";
  settings.max_version = "TLSv1.2";
  refuse(settings, "ERR_TLS_VERSION", "minVersion", "above maxVersion");
  settings.min_version = "";
  accept(settings);
  settings.max_version = "1.2";
  refuse(settings, "ERR_TLS_VERSION", "maxVersion", "not '1.2'");
}

TEST("config ciphers") {
  TlsSettings settings;
  settings.ciphers = "no-such-cipher";
  refuse(settings, "ERR_TLS_CIPHERS", "ciphers", "no usable cipher");
  settings.ciphers = "TLS_NO_SUCH_SUITE";
  refuse(settings, "ERR_TLS_CIPHERS", "ciphers", "no usable TLS 1.3 suite");
  settings.ciphers = "TLS_NO_SUCH_SUITE:ECDHE+AESGCM";
  refuse(settings, "ERR_TLS_CIPHERS", "ciphers", "no usable TLS 1.3 suite");
  settings.ciphers = "ECDHE+AESGCM";
  settings.min_version = "TLSv1.3";
  refuse(settings, "ERR_TLS_CIPHERS", "ciphers", "none for the versions");
  settings.min_version = "";
  accept(settings);
}

TEST("config ciphers and versions in force") {
  const Credentials leaf = make_leaf("host", "DNS:host.example", root());
  ServerSpec spec;
  spec.credentials = &leaf;
  TlsServer server(spec);
  const auto connected = [&](TlsSettings settings) {
    settings.ca = pem_of(root().certificate);
    TlsPair pair(make_config(settings), server, TlsPeer{"host.example", std::nullopt, ""});
    if (!pair.handshake()) return pair.failure().code;
    return pair.info().protocol + " " + pair.info().cipher;
  };
  TlsSettings settings;
  settings.ciphers = "TLS_CHACHA20_POLY1305_SHA256";
  CHECK_EQ(connected(settings), "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
  // As in Node: no TLS 1.3 suite named, no TLS 1.3.
  settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  CHECK_EQ(connected(settings), "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256";
  CHECK_EQ(connected(settings), "TLSv1.3 TLS_AES_128_GCM_SHA256");
  settings.max_version = "TLSv1.2";
  CHECK_EQ(connected(settings), "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}

TEST("config alpn and fingerprints") {
  TlsSettings settings;
  settings.alpn = {"http/1.1", std::string(255, 'x')};
  accept(settings);
  settings.alpn = {""};
  refuse(settings, "ERR_TLS_ALPN_INVALID", "ALPNProtocols", "1 to 255 bytes");
  settings.alpn = {std::string(256, 'x')};
  refuse(settings, "ERR_TLS_ALPN_INVALID", "ALPNProtocols", "1 to 255 bytes");
  settings.alpn.clear();
  for (const char* bad : {"", "AB", "zz", "AB:CD:"}) {
    settings.fingerprint256 = {bad};
    refuse(settings, "ERR_TLS_FINGERPRINT_INVALID", "fingerprint256", "32 bytes");
  }
  settings.fingerprint256 = {std::string(66, 'a')};
  refuse(settings, "ERR_TLS_FINGERPRINT_INVALID", "fingerprint256", "32 bytes");
}

// Whatever a file holds, it is refused, not fallen over.
TEST("config damaged files") {
  vws::test::Random random;
  const std::vector<std::string> files = {both_pem(), pem_of(client().key, "secret"),
                                          der_of(client().certificate), der_of(client().key),
                                          make_pfx("secret", {&root()})};
  for (int round = 0; round < 300; ++round) {
    std::string bytes = files[random.below(files.size())];
    for (size_t i = 1 + random.below(8); i > 0; --i) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    TlsSettings settings;
    settings.passphrase = "secret";
    switch (random.below(4)) {
      case 0:
        settings.cert = bytes;
        break;
      case 1:
        settings.key = bytes;
        break;
      case 2:
        settings.pfx = bytes;
        break;
      default:
        settings.ca = bytes;
        break;
    }
    const auto made = TlsConfig::create(settings);
    if (!made) CHECK(made.error().code.compare(0, 8, "ERR_TLS_") == 0);
    CHECK_EQ(ERR_peek_error(), 0u);
  }
}

TEST_MAIN
