#include "engine/tls/trust.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/tls/error_scope.h"

namespace vws {

class Roots {
 public:
  explicit Roots(const std::string& pem) { read(pem); }

  bool empty() const { return by_subject_.empty(); }

  // Puts the certificates of that subject into the store, where they may be already.
  void add_to(X509_STORE* store, const X509_NAME* subject) const {
    const auto found = by_subject_.find(hash_of(subject));
    if (found == by_subject_.end()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Root& root : found->second) {
      if (!root.certificate) root.parse();
      // The hash is short: another subject may have it. A store looks for itself, so that does no
      // harm.
      if (root.certificate) X509_STORE_add_cert(store, root.certificate.get());
    }
  }

 private:
  struct Root {
    std::vector<uint8_t> der;  // until parsed
    bool with_trust = false;   // followed by what it is trusted for, as OpenSSL writes it
    X509Ptr certificate;

    void parse() {
      const uint8_t* at = der.data();
      const auto size = static_cast<long>(der.size());
      certificate.reset(with_trust ? d2i_X509_AUX(nullptr, &at, size)
                                   : d2i_X509(nullptr, &at, size));
      std::vector<uint8_t>().swap(der);
      // Has its extensions read here, by one thread, and not by whichever verifies with it first.
      if (certificate) X509_check_purpose(certificate.get(), -1, 0);
    }
  };

  static unsigned long hash_of(const X509_NAME* name) {
    return X509_NAME_hash_ex(name, nullptr, nullptr, nullptr);
  }

  void read(const std::string& pem) {
    const BioPtr reader(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    while (reader && BIO_pending(reader.get()) > 0) {
      // What is damaged is passed over: the user has not chosen these certificates.
      if (!PEM_read_bio(reader.get(), &name, &header, &data, &size)) continue;
      const OpenSslBuffer<char> name_owner(name);
      const OpenSslBuffer<char> header_owner(header);
      const OpenSslBuffer<unsigned char> data_owner(data);
      const std::string kind(name);
      const bool with_trust = kind == PEM_STRING_X509_TRUSTED;
      if (with_trust || kind == PEM_STRING_X509 || kind == PEM_STRING_X509_OLD) {
        add(data, size, with_trust);
      }
    }
  }

  void add(const unsigned char* der, long size, bool with_trust) {
    const X509NamePtr subject = subject_of(der, size);
    if (!subject) return;
    Root root;
    root.with_trust = with_trust;
    root.der.assign(der, der + size);
    by_subject_[hash_of(subject.get())].push_back(std::move(root));
  }

  // Walks to the subject of Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { version [0]
  // OPTIONAL, serialNumber, signature, issuer, validity, subject, ... (RFC 5280 §4.1).
  static X509NamePtr subject_of(const unsigned char* at, long size) {
    const unsigned char* const end = at + size;
    if (!enter(&at, end) || !enter(&at, end)) return nullptr;
    if (at < end && *at == 0xa0 && !skip(&at, end)) return nullptr;
    for (int i = 0; i < 4; ++i) {
      if (!skip(&at, end)) return nullptr;
    }
    return X509NamePtr(d2i_X509_NAME(nullptr, &at, static_cast<long>(end - at)));
  }

  static bool read_head(const unsigned char** at, const unsigned char* end, long* length) {
    int tag = 0;
    int tag_class = 0;
    return !(ASN1_get_object(at, length, &tag, &tag_class, static_cast<long>(end - *at)) & 0x80);
  }

  static bool enter(const unsigned char** at, const unsigned char* end) {
    long length = 0;
    return read_head(at, end, &length);
  }

  static bool skip(const unsigned char** at, const unsigned char* end) {
    long length = 0;
    if (!read_head(at, end, &length)) return false;
    *at += length;
    return true;
  }

  mutable std::mutex mutex_;  // guards what the roots hold; the map itself does not change
  mutable std::unordered_map<unsigned long, std::vector<Root>> by_subject_;
};

namespace {

using Digest = std::array<uint8_t, EVP_MAX_MD_SIZE>;

Digest digest_of(const std::string& text) {
  Digest digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

// Roots in use, by the digests of their texts. Never destroyed: threads may still verify while the
// process exits.
struct KnownRoots {
  std::mutex mutex;
  std::map<Digest, std::weak_ptr<const Roots>> by_text;
};

KnownRoots& known_roots() {
  static KnownRoots& roots = *new KnownRoots;
  return roots;
}

// A store holds its roots as a RootsPtr of its own.
void free_roots(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<RootsPtr*>(held);
}

int roots_index() {
  static const int index =
      CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, nullptr, nullptr, nullptr, free_roots);
  return index;
}

// The hooks of a store that has roots: before it looks for a subject, the roots of that subject are put into it.
void bring(X509_STORE_CTX* context, const X509_NAME* subject) {
  X509_STORE* store = X509_STORE_CTX_get0_store(context);
  if (const void* held = X509_STORE_get_ex_data(store, roots_index())) {
    (*static_cast<const RootsPtr*>(held))->add_to(store, subject);
  }
}

int get_issuer(X509** issuer, X509_STORE_CTX* context, X509* certificate) {
  bring(context, X509_get_issuer_name(certificate));
  return X509_STORE_CTX_get1_issuer(issuer, context, certificate);
}

STACK_OF(X509) * lookup_certs(X509_STORE_CTX* context, const X509_NAME* subject) {
  bring(context, subject);
  return X509_STORE_CTX_get1_certs(context, subject);
}

}  // namespace

Result<RootsPtr> make_roots(const std::string& pem) {
  KnownRoots& known = known_roots();
  const Digest digest = digest_of(pem);
  {
    const std::lock_guard<std::mutex> lock(known.mutex);
    const auto found = known.by_text.find(digest);
    RootsPtr held = found == known.by_text.end() ? nullptr : found->second.lock();
    if (held) return held;
  }
  const ErrorScope errors;
  RootsPtr roots = std::make_shared<const Roots>(pem);
  if (roots->empty() && !pem.empty()) {
    return TlsError{"ERR_TLS_CA_INVALID", "roots", "the default roots hold no certificate",
                    errors.words()};
  }
  const std::lock_guard<std::mutex> lock(known.mutex);
  for (auto it = known.by_text.begin(); it != known.by_text.end();) {
    it = it->second.expired() ? known.by_text.erase(it) : std::next(it);
  }
  known.by_text[digest] = roots;
  return roots;
}

X509StorePtr make_trust(const std::vector<X509Ptr>& certificates, const RootsPtr& roots) {
  X509StorePtr store(X509_STORE_new());
  if (!store) return nullptr;
  for (const X509Ptr& certificate : certificates) {
    if (!X509_STORE_add_cert(store.get(), certificate.get())) return nullptr;
  }
  if (roots) {
    auto held = std::make_unique<RootsPtr>(roots);
    if (!X509_STORE_set_ex_data(store.get(), roots_index(), held.get())) return nullptr;
    held.release();  // by free_roots()
    X509_STORE_set_get_issuer(store.get(), get_issuer);
    X509_STORE_set_lookup_certs(store.get(), lookup_certs);
  }
  return store;
}

}  // namespace vws
