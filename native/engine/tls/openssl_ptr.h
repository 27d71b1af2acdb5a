#pragma once

// Owners for the types of OpenSSL that are used here. An SSL belongs to the engine and is never
// owned but in tests.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace vws {

struct OpenSslDelete {
  void operator()(ASN1_TIME* p) const { ASN1_TIME_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(PKCS12* p) const { PKCS12_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL_SESSION* p) const { SSL_SESSION_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_NAME* p) const { X509_NAME_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
};

// OPENSSL_free is a macro that notes file and line, so it cannot be named as a function.
struct OpenSslFree {
  void operator()(void* p) const { OPENSSL_free(p); }
};

template <typename T>
using OpenSslPtr = std::unique_ptr<T, OpenSslDelete>;

using Asn1TimePtr = OpenSslPtr<ASN1_TIME>;
using BioPtr = OpenSslPtr<BIO>;
using GeneralNamesPtr = OpenSslPtr<GENERAL_NAMES>;
using Pkcs12Ptr = OpenSslPtr<PKCS12>;
using PkeyPtr = OpenSslPtr<EVP_PKEY>;
using SslPtr = OpenSslPtr<SSL>;
using SslCtxPtr = OpenSslPtr<SSL_CTX>;
using SslSessionPtr = OpenSslPtr<SSL_SESSION>;
using X509NamePtr = OpenSslPtr<X509_NAME>;
using X509Ptr = OpenSslPtr<X509>;
using X509StackPtr = OpenSslPtr<STACK_OF(X509)>;
using X509StorePtr = OpenSslPtr<X509_STORE>;
using X509StoreCtxPtr = OpenSslPtr<X509_STORE_CTX>;

template <typename T>
using OpenSslBuffer = std::unique_ptr<T, OpenSslFree>;

}  // namespace vws
