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

std::string outcome(const Credentials& leaf, const std::vector<const Credentials*>& chain = {},
                    const TlsSettings& settings = TlsSettings()) {
  ServerSpec spec;
  spec.credentials = &leaf;
  spec.chain = chain;
  TlsServer server(spec);
  TlsPair pair(make_config(settings), server, kPeer);
  return pair.handshake() ? "connected" : pair.failure().code;
}

}  // namespace

TEST("trust nobody before there are roots") {
  const Credentials root = make_authority("Root");
  const Credentials leaf = make_leaf("host", "DNS:host.example", root);
  CHECK_EQ(outcome(leaf), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

TEST("trust the default roots") {
  std::vector<Credentials> roots;
  std::string pem;
  for (int i = 0; i < 5; ++i) {
    roots.push_back(make_authority("Root " + std::to_string(i)));
    pem += "# Root " + std::to_string(i) + "\n" + pem_of(roots.back().certificate);
  }
  CHECK(!set_default_roots(pem));
  for (const Credentials& root : roots) {
    const Credentials leaf = make_leaf("host", "DNS:host.example", root);
    CHECK_EQ(outcome(leaf), "connected");
    CHECK_EQ(outcome(leaf, {&root}), "connected");
    const Credentials between = make_authority("Between", &root);
    const Credentials deep = make_leaf("host", "DNS:host.example", between);
    CHECK_EQ(outcome(deep, {&between}), "connected");
    CHECK_EQ(outcome(deep), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  }
  // The same name, but another key.
  const Credentials impostor = make_authority("Root 1");
  CHECK(outcome(make_leaf("host", "DNS:host.example", impostor)) != "connected");
  // Names are compared as certificates do, not as bytes.
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", make_authority("Stranger"))),
           "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

TEST("trust a self-signed certificate among the roots") {
  CertificateSpec spec;
  spec.common_name = "self";
  spec.altnames = "DNS:host.example";
  const Credentials self = make_credentials(spec);
  CHECK(!set_default_roots(pem_of(self.certificate)));
  CHECK_EQ(outcome(self), "connected");
}

TEST("trust roots of one name") {
  const Credentials first = make_authority("Twin");
  const Credentials second = make_authority("Twin");
  CHECK(!set_default_roots(pem_of(first.certificate) + pem_of(second.certificate)));
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", first)), "connected");
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", second)), "connected");
}

TEST("trust is replaced by other roots, not by none") {
  const Credentials first = make_authority("First");
  const Credentials second = make_authority("Second");
  const Credentials first_leaf = make_leaf("host", "DNS:host.example", first);
  const Credentials second_leaf = make_leaf("host", "DNS:host.example", second);
  CHECK(!set_default_roots(pem_of(first.certificate)));
  CHECK(!set_default_roots(pem_of(first.certificate)));
  CHECK_EQ(outcome(first_leaf), "connected");
  for (const char* bad :
       {"", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    const auto error = set_default_roots(bad);
    CHECK(error.has_value() && error->code == "ERR_TLS_CA_INVALID");
  }
  CHECK_EQ(outcome(first_leaf), "connected");
  CHECK(!set_default_roots(pem_of(second.certificate)));
  CHECK_EQ(outcome(second_leaf), "connected");
  CHECK(outcome(first_leaf) != "connected");
  // What is damaged is passed over.
  const std::string damaged = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
  CHECK(!set_default_roots(damaged + pem_of(first.certificate) + damaged));
  CHECK_EQ(outcome(first_leaf), "connected");
}

TEST("trust one's own authorities instead of the roots") {
  const Credentials usual = make_authority("Usual");
  const Credentials own = make_authority("Own");
  CHECK(!set_default_roots(pem_of(usual.certificate)));
  TlsSettings settings;
  settings.ca = pem_of(own.certificate);
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", own), {}, settings), "connected");
  CHECK_EQ(outcome(make_leaf("host", "DNS:host.example", usual), {}, settings),
           "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
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
  CHECK(!set_default_roots(pem));
  const auto config = make_config(TlsSettings());  // shared, with its sessions
  std::atomic<int> connected{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < leaves.size(); ++i) {
        if (set_default_roots(pem)) return;
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
