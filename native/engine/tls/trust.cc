#include "engine/tls/trust.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/tls/error_scope.h"

namespace vws {

namespace {

// Certificates by their subject, parsed when asked for. Any thread.
class RootIndex {
 public:
  explicit RootIndex(const std::string& pem) { read(pem); }

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
    X509Ptr certificate;

    void parse() {
      const uint8_t* at = der.data();
      certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
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
      add(data, size);
    }
  }

  void add(const unsigned char* der, long size) {
    const X509NamePtr subject = subject_of(der, size);
    if (!subject) return;
    Root root;
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

using Digest = std::array<uint8_t, EVP_MAX_MD_SIZE>;

Digest digest_of(const std::string& text) {
  Digest digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

struct DefaultRoots {
  std::mutex mutex;
  Digest digest{};                         // of the PEM set last
  std::shared_ptr<const RootIndex> index;  // null: not set
  X509StorePtr store;                      // null: not asked for yet
};

// Never destroyed: threads may still verify while the process exits.
DefaultRoots& default_roots() {
  static DefaultRoots& roots = *new DefaultRoots;
  return roots;
}

std::shared_ptr<const RootIndex> current_index() {
  DefaultRoots& roots = default_roots();
  const std::lock_guard<std::mutex> lock(roots.mutex);
  return roots.index;
}

// The hooks of a store that has the default roots: before it looks for a subject, the roots of that
// subject are put into it.
void bring(X509_STORE_CTX* context, const X509_NAME* subject) {
  const auto index = current_index();
  if (index) index->add_to(X509_STORE_CTX_get0_store(context), subject);
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

std::optional<TlsError> set_default_roots(const std::string& pem) {
  DefaultRoots& roots = default_roots();
  const Digest digest = digest_of(pem);
  {
    const std::lock_guard<std::mutex> lock(roots.mutex);
    if (roots.index && roots.digest == digest) return std::nullopt;
  }
  const ErrorScope errors;
  auto index = std::make_shared<const RootIndex>(pem);
  if (index->empty()) {
    return TlsError{"ERR_TLS_CA_INVALID", "roots", "the default roots hold no certificate",
                    errors.words()};
  }
  const std::lock_guard<std::mutex> lock(roots.mutex);
  roots.digest = digest;
  roots.index = std::move(index);
  roots.store.reset();
  return std::nullopt;
}

X509StorePtr default_trust() {
  DefaultRoots& roots = default_roots();
  const std::lock_guard<std::mutex> lock(roots.mutex);
  if (!roots.store) roots.store = make_trust({}, true);
  if (roots.store) X509_STORE_up_ref(roots.store.get());
  return X509StorePtr(roots.store.get());
}

X509StorePtr make_trust(const std::vector<X509Ptr>& certificates, bool with_default_roots) {
  X509StorePtr store(X509_STORE_new());
  if (!store) return nullptr;
  for (const X509Ptr& certificate : certificates) {
    if (!X509_STORE_add_cert(store.get(), certificate.get())) return nullptr;
  }
  if (with_default_roots) {
    X509_STORE_set_get_issuer(store.get(), get_issuer);
    X509_STORE_set_lookup_certs(store.get(), lookup_certs);
  }
  return store;
}

}  // namespace vws
