#include "engine/tls/peer_info.h"

#include <openssl/x509.h>

namespace vws {

TlsFacts tls_facts(const SSL* ssl) {
  TlsFacts info;
  info.protocol = SSL_get_version(ssl);
  if (const char* cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl))) {
    info.cipher = cipher;
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (alpn) info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  info.certificate = leaf_der(ssl);
  return info;
}

PeerInfo peer_info(const SSL* ssl, const TlsVerdict& verdict) {
  PeerInfo info;
  static_cast<TlsFacts&>(info) = tls_facts(ssl);
  info.authorized = verdict.authorized();
  info.reused = SSL_session_reused(ssl) == 1;
  if (const X509* leaf = SSL_get0_peer_certificate(ssl)) info.fingerprint256 = fingerprint256(leaf);
  info.failure = verdict.failure();
  return info;
}

std::vector<uint8_t> leaf_der(const SSL* ssl) {
  const X509* leaf = SSL_get0_peer_certificate(ssl);
  unsigned char* der = nullptr;
  const int size = leaf ? i2d_X509(leaf, &der) : 0;
  const OpenSslBuffer<unsigned char> owner(der);
  return size > 0 ? std::vector<uint8_t>(der, der + size) : std::vector<uint8_t>();
}

std::string fingerprint256(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!X509_digest(certificate, EVP_sha256(), digest, &size)) return std::string();
  static const char kHex[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(size * 3);
  for (unsigned i = 0; i < size; ++i) {
    if (i > 0) text += ':';
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

}  // namespace vws
