// The default roots, and everything that several threads do at once.

#include <atomic>
#include <string>
#include <thread>

#include "engine/tls/trust.h"
#include "harness.h"
#include "tls_support.h"

using namespace tls_test;

namespace {

const TlsPeer kPeer{"host.example", std::nullopt, "host.example:443"};

RootsPtr roots_of(const std::string& pem) {
  auto made = make_roots(pem);
  CHECK(made);
  return made.value();
}

TlsSettings trusting(const std::string& pem) {
  TlsSettings settings;
  settings.roots = roots_of(pem);
  return settings;
}

std::string outcome(const Credentials& leaf, const TlsSettings& settings,
                    const std::vector<const Credentials*>& chain = {}) {
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.chain = chain;
  TlsServer server(spec);
  TlsPair pair(make_config(settings), server, kPeer);
  return pair.handshake() ? "connected" : pair.failure().code;
}

constexpr char kUntrusted[] = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

// With what it may be used for behind it, as OpenSSL's own tools write it.
std::string trusted_pem_of(const X509Ptr& certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  CHECK_EQ(PEM_write_bio_X509_AUX(out.get(), certificate.get()), 1);
  return drain(out.get());
}

}  // namespace

TEST("trust nobody without roots") {
  const Credentials root = make_authority("Root");
  const Credentials leaf = make_leaf("host", "DNS:host.example", root);
  CHECK_EQ(outcome(leaf, TlsSettings()), kUntrusted);
  CHECK_EQ(outcome(leaf, trusting("")), kUntrusted);
}

TEST("trust the roots") {
  std::vector<Credentials> roots;
  std::string pem;
  for (int i = 0; i < 5; ++i) {
    roots.push_back(make_authority("Root " + std::to_string(i)));
    pem += "# Root " + std::to_string(i) + "\n" + pem_of(roots.back().certificate);
  }
  const TlsSettings settings = trusting(pem);
  for (const Credentials& root : roots) {
    const Credentials leaf = make_leaf("host", "DNS:host.example", root);
    CHECK_EQ(outcome(leaf, settings), "connected");
    CHECK_EQ(outcome(leaf, settings, {&root}), "connected");
    const Credentials between = make_authority("Between", &root);
    const Credentials deep = make_leaf("host", "DNS:host.example", between);
    CHECK_EQ(outcome(deep, settings, {&between}), "connected");
    CHECK_EQ(outcome(deep, settings), kUntrusted);
  }
  // The same name, but another key.
  const Credentials impostor = make_authority("Root 1");
  CHECK(outcome(make_leaf("host", "DNS:host.example", impostor), settings) != "connected");
  // Names are compared as certificates do, not as bytes.
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", make_authority("Stranger")), settings),
           kUntrusted);
}

TEST("trust a self-signed certificate among the roots") {
  CertificateSpec spec;
  spec.common_name = "self";
  spec.altnames = "DNS:host.example";
  const Credentials self = make_credentials(spec);
  CHECK_EQ(outcome(self, trusting(pem_of(self.certificate))), "connected");
}

TEST("trust roots of one name") {
  const Credentials first = make_authority("Twin");
  const Credentials second = make_authority("Twin");
  const TlsSettings both = trusting(pem_of(first.certificate) + pem_of(second.certificate));
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", first), both), "connected");
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", second), both), "connected");
}

TEST("trust is each configuration's own") {
  const Credentials first = make_authority("First");
  const Credentials second = make_authority("Second");
  const Credentials first_leaf = make_leaf("host", "DNS:host.example", first);
  const Credentials second_leaf = make_leaf("host", "DNS:host.example", second);
  const TlsSettings to_first = trusting(pem_of(first.certificate));
  const TlsSettings to_second = trusting(pem_of(second.certificate));
  CHECK_EQ(outcome(first_leaf, to_first), "connected");
  CHECK_EQ(outcome(second_leaf, to_second), "connected");
  CHECK_EQ(outcome(first_leaf, to_second), kUntrusted);
  CHECK_EQ(outcome(second_leaf, to_first), kUntrusted);
  // The same text, the same roots.
  CHECK(roots_of(pem_of(first.certificate)) == to_first.roots);
}

TEST("trust: what is no certificate is passed over, and alone is an error") {
  const Credentials root = make_authority("Root");
  const Credentials leaf = make_leaf("host", "DNS:host.example", root);
  for (const char* bad :
       {" ", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    auto made = make_roots(bad);
    CHECK(!made && made.error().code == "ERR_TLS_CA_INVALID");
  }
  const std::string damaged = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
  CHECK_EQ(outcome(leaf, trusting(damaged + pem_of(root.certificate) + damaged)), "connected");
  std::string renamed = pem_of(root.certificate);
  for (size_t at = 0; (at = renamed.find("CERTIFICATE-", at)) != std::string::npos; at += 4) {
    renamed.replace(at, 11, "DATA");
  }
  CHECK(!make_roots(renamed));
}

TEST("trust: a root's own restrictions are kept") {
  const Credentials root = make_authority("Root");
  const Credentials leaf = make_leaf("host", "DNS:host.example", root);
  X509_add1_trust_object(root.certificate.get(), OBJ_nid2obj(NID_server_auth));
  CHECK_EQ(outcome(leaf, trusting(trusted_pem_of(root.certificate))), "connected");
  X509_trust_clear(root.certificate.get());
  X509_add1_reject_object(root.certificate.get(), OBJ_nid2obj(NID_server_auth));
  CHECK(outcome(leaf, trusting(trusted_pem_of(root.certificate))) != "connected");
}

TEST("trust one's own authorities instead of the roots") {
  const Credentials usual = make_authority("Usual");
  const Credentials own = make_authority("Own");
  TlsSettings settings = trusting(pem_of(usual.certificate));
  settings.ca = pem_of(own.certificate);
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", own), settings), "connected");
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", usual), settings), kUntrusted);
}

TEST("trust in many threads") {
  std::vector<Credentials> roots;
  std::string pem;
  for (int i = 0; i < 8; ++i) {
    roots.push_back(make_authority("Root " + std::to_string(i)));
    pem += pem_of(roots.back().certificate);
  }
  std::vector<Credentials> leaves;
  leaves.reserve(roots.size());
  for (const Credentials& root : roots)
    leaves.push_back(make_leaf("host", "DNS:host.example", root));
  const auto config = make_config(trusting(pem));  // shared, with its sessions
  std::atomic<int> connected{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < leaves.size(); ++i) {
        if (!make_roots(pem)) return;
        const size_t which = (i + static_cast<size_t>(t)) % leaves.size();
        ServerSpec spec;
        spec.credentials = &leaves[which];
        TlsServer server(spec);
        for (int repeat = 0; repeat < 3; ++repeat) {
          TlsPair pair(config, server, kPeer);
          if (!pair.handshake()) continue;
          pair.settle();
          if (pair.verdict().authorized()) ++connected;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(connected.load(), 4 * 8 * 3);
}

TEST_MAIN
