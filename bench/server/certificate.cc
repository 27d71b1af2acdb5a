#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

namespace bench {

namespace {

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};

using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION, X509_EXTENSION_free>>;

struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};

bool extend(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  X509* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600);
  X509_set_pubkey(x, key);
  X509_NAME* const name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("benchmark server"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  const bool ok = extend(x, NID_basic_constraints, "critical,CA:TRUE") &&
                  extend(x, NID_subject_key_identifier, "hash") &&
                  extend(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") &&
                  X509_sign(x, key, EVP_sha256()) > 0;
  return ok ? std::move(certificate) : nullptr;
}

bool write_pem(const std::string& path, X509* certificate) {
  const std::unique_ptr<FILE, FileCloser> file(std::fopen(path.c_str(), "w"));
  return file && PEM_write_X509(file.get(), certificate) == 1;
}

}  // namespace

SslContext make_server_context(const std::string& certificate_file) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return nullptr;
  const Certificate certificate = self_signed(key.get());
  if (!certificate || !write_pem(certificate_file, certificate.get())) return nullptr;
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return nullptr;
  }
  tune(context.get());
  return context;
}

}  // namespace bench
