#include "engine/tls/identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>

#include "engine/tls/error_scope.h"

namespace vws {

namespace {

// Answers OpenSSL's question for a passphrase, and notes that there was one. Without a callback
// OpenSSL would ask at the terminal.
struct Passphrase {
  const std::string* text = nullptr;
  bool asked = false;

  static int answer(char* buffer, int size, int, void* self_pointer) {
    auto* self = static_cast<Passphrase*>(self_pointer);
    self->asked = true;
    if (!self->text || self->text->size() > static_cast<size_t>(size)) return -1;
    return static_cast<int>(self->text->copy(buffer, static_cast<size_t>(size)));
  }
};

bool is_pem(const std::string& bytes) { return bytes.find("-----BEGIN") != std::string::npos; }

BioPtr reader_of(const std::string& bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// What is wrong with a file before it is looked into; null: nothing.
const char* size_problem(const std::string& bytes) {
  if (bytes.empty()) return " is empty";
  if (bytes.size() > INT_MAX) return " is too large";
  return nullptr;
}

void read_pem_certificates(BIO* reader, Passphrase& passphrase, std::vector<X509Ptr>& out) {
  // Also reads OpenSSL's own "TRUSTED CERTIFICATE", and skips keys.
  while (X509* certificate =
             PEM_read_bio_X509_AUX(reader, nullptr, Passphrase::answer, &passphrase)) {
    out.emplace_back(certificate);
  }
}

bool read_der_certificates(const std::string& bytes, std::vector<X509Ptr>& out) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = at + bytes.size();
  while (at < end) {
    X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(end - at));
    if (!certificate) return false;
    out.emplace_back(certificate);
  }
  return true;
}

PkeyPtr read_der_key(const std::string& bytes, Passphrase& passphrase) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  PkeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(bytes.size())));
  if (key) return key;
  BioPtr reader = reader_of(bytes);
  if (!reader) return nullptr;
  return PkeyPtr(d2i_PKCS8PrivateKey_bio(reader.get(), nullptr, Passphrase::answer, &passphrase));
}

X509StackPtr make_stack(std::vector<X509Ptr>&& certificates, size_t from) {
  if (certificates.size() <= from) return nullptr;
  X509StackPtr stack(sk_X509_new_null());
  for (size_t i = from; stack && i < certificates.size(); ++i) {
    if (!sk_X509_push(stack.get(), certificates[i].get())) return nullptr;
    static_cast<void>(certificates[i].release());  // the stack's now
  }
  return stack;
}

TlsError no_passphrase(const char* setting, std::string detail) {
  return {"ERR_TLS_PASSPHRASE", "passphrase",
          std::string(setting) + " is encrypted and needs a passphrase", std::move(detail)};
}

TlsError wrong_passphrase(const char* setting, std::string detail) {
  return {"ERR_TLS_PASSPHRASE", "passphrase", std::string("wrong passphrase for ") + setting,
          std::move(detail)};
}

}  // namespace

Result<std::vector<X509Ptr>> parse_certificates(const std::string& bytes, const char* setting,
                                                const char* code) {
  if (const char* problem = size_problem(bytes)) {
    return TlsError{code, setting, std::string(setting) + problem, ""};
  }
  const ErrorScope errors;
  std::vector<X509Ptr> certificates;
  if (is_pem(bytes)) {
    BioPtr reader = reader_of(bytes);
    Passphrase passphrase;
    if (reader) read_pem_certificates(reader.get(), passphrase, certificates);
    const unsigned long last = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (!at_end) {
      return TlsError{code, setting,
                      std::string(setting) + ": certificate " +
                          std::to_string(certificates.size() + 1) + " is damaged",
                      errors.words()};
    }
    if (certificates.empty()) {
      return TlsError{code, setting, std::string(setting) + " holds no certificate", ""};
    }
    return certificates;
  }
  if (!read_der_certificates(bytes, certificates)) {
    return TlsError{code, setting,
                    std::string(setting) + " is not a certificate in PEM or DER format",
                    errors.words()};
  }
  return certificates;
}

Result<PkeyPtr> parse_key(const std::string& bytes, const std::optional<std::string>& passphrase,
                          const char* setting) {
  if (const char* problem = size_problem(bytes)) {
    return TlsError{"ERR_TLS_KEY_INVALID", setting, std::string(setting) + problem, ""};
  }
  const ErrorScope errors;
  Passphrase answer{passphrase ? &*passphrase : nullptr, false};
  PkeyPtr key;
  if (is_pem(bytes)) {
    if (BioPtr reader = reader_of(bytes)) {
      key.reset(PEM_read_bio_PrivateKey(reader.get(), nullptr, Passphrase::answer, &answer));
    }
  } else {
    key = read_der_key(bytes, answer);
  }
  if (key) return key;
  if (answer.asked) {
    return passphrase ? wrong_passphrase(setting, errors.words())
                      : no_passphrase(setting, errors.words());
  }
  return TlsError{"ERR_TLS_KEY_INVALID", setting,
                  std::string(setting) + " holds no private key in PEM or DER format",
                  errors.words()};
}

Result<Identity> parse_identity(const std::optional<std::string>& cert,
                                const std::optional<std::string>& key,
                                const std::optional<std::string>& passphrase) {
  // One file may hold both, and be given as either.
  const bool key_in_cert = !key && cert->find("PRIVATE KEY-----") != std::string::npos;
  const bool cert_in_key = !cert && key->find("CERTIFICATE-----") != std::string::npos;
  if (!cert && !cert_in_key) {
    return TlsError{"ERR_TLS_CERT_MISSING", "cert", "key is given without its certificate, cert",
                    ""};
  }
  auto certificates =
      parse_certificates(cert ? *cert : *key, cert ? "cert" : "key", "ERR_TLS_CERT_INVALID");
  if (!certificates) return certificates.error();
  if (!key && !key_in_cert) {
    return TlsError{"ERR_TLS_KEY_MISSING", "key",
                    "cert is given without its private key: it is not in the same file, nor in key",
                    ""};
  }
  auto parsed_key = parse_key(key ? *key : *cert, passphrase, key ? "key" : "cert");
  if (!parsed_key) return parsed_key.error();

  Identity identity;
  identity.key = std::move(parsed_key.value());
  std::vector<X509Ptr>& all = certificates.value();
  const ErrorScope errors;
  if (X509_check_private_key(all[0].get(), identity.key.get()) != 1) {
    return TlsError{"ERR_TLS_KEY_MISMATCH", key ? "key" : "cert",
                    key && cert ? "key does not match the certificate in cert"
                                : "the private key and the certificate in the file do not match",
                    errors.words()};
  }
  identity.leaf = std::move(all[0]);
  identity.chain = make_stack(std::move(all), 1);
  return identity;
}

Result<Identity> parse_pfx(const std::string& bytes, const std::optional<std::string>& passphrase) {
  if (const char* problem = size_problem(bytes)) {
    return TlsError{"ERR_TLS_PFX_INVALID", "pfx", std::string("pfx") + problem, ""};
  }
  const ErrorScope errors;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const Pkcs12Ptr pfx(d2i_PKCS12(nullptr, &at, static_cast<long>(bytes.size())));
  if (!pfx) {
    return TlsError{"ERR_TLS_PFX_INVALID", "pfx", "pfx is not a PKCS #12 file", errors.words()};
  }
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* chain = nullptr;
  const int parsed =
      PKCS12_parse(pfx.get(), passphrase ? passphrase->c_str() : nullptr, &key, &leaf, &chain);
  Identity identity{X509Ptr(leaf), PkeyPtr(key), X509StackPtr(chain)};
  if (!parsed) {
    const std::string words = errors.words();
    if (errors.take(ERR_LIB_PKCS12, PKCS12_R_MAC_VERIFY_FAILURE)) {
      return passphrase ? wrong_passphrase("pfx", words) : no_passphrase("pfx", words);
    }
    if (words.find("nsupported") != std::string::npos) {
      return TlsError{
          "ERR_TLS_PFX_UNSUPPORTED", "pfx",
          "pfx is encrypted by an outdated algorithm; convert it: openssl pkcs12 -legacy "
          "-in old.p12 -nodes -out all.pem, then openssl pkcs12 -export -in all.pem",
          words};
    }
    return TlsError{"ERR_TLS_PFX_INVALID", "pfx", "pfx is damaged", words};
  }
  if (!identity.leaf || !identity.key) {
    return TlsError{
        "ERR_TLS_PFX_INVALID", "pfx",
        identity.key ? "pfx holds no certificate for its key" : "pfx holds no private key", ""};
  }
  return identity;
}

}  // namespace vws
