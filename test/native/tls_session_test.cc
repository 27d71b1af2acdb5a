// Sessions: what is kept, for how long, and who may resume it.

#include <string>

#include "harness.h"
#include "tls_support.h"

using namespace tls_test;

namespace {

const Credentials& root() {
  static const Credentials made = make_authority("Test Root");
  return made;
}

const Credentials& leaf() {
  static const Credentials made = make_leaf("host", "DNS:host.example,DNS:other.example", root());
  return made;
}

ServerSpec server_spec(int max_version = TLS1_3_VERSION) {
  ServerSpec spec;
  spec.credentials = &leaf();
  spec.max_version = max_version;
  return spec;
}

TlsSettings trusting_root() {
  TlsSettings settings;
  settings.ca = pem_of(root().certificate);
  return settings;
}

const TlsPeer kPeer{"host.example", std::nullopt, "host.example:443"};

// Connects, and lets the tickets arrive. Whether a session was resumed.
bool resumes(const std::shared_ptr<const TlsConfig>& config, TlsServer& server,
             const TlsPeer& peer = kPeer, bool authorized = true) {
  TlsPair pair(config, server, peer);
  CHECK(pair.handshake());
  pair.settle();
  CHECK_EQ(pair.verdict().authorized(), authorized);
  const PeerInfo info = pair.info();
  CHECK_EQ(info.authorized, authorized);
  // What JavaScript is asked about is there in a resumed session as well.
  CHECK_EQ(info.fingerprint256, fingerprint256(leaf().certificate.get()));
  return info.reused;
}

SslSessionPtr make_session(int version, long made_ago = 0, long timeout = 300) {
  SslSessionPtr session(SSL_SESSION_new());
  const unsigned char id[] = "session id";
  SSL_SESSION_set1_id(session.get(), id, sizeof id);
  SSL_SESSION_set_protocol_version(session.get(), version);
  SSL_SESSION_set_time(session.get(), static_cast<long>(time(nullptr)) - made_ago);
  SSL_SESSION_set_timeout(session.get(), timeout);
  return session;
}

}  // namespace

TEST("session tls 1.3 tickets are used once each") {
  TlsServer server(server_spec());
  const auto config = make_config(trusting_root());
  CHECK(!resumes(config, server));
  CHECK_EQ(config->sessions()->size(), 2u);  // as many as OpenSSL's server sends
  // One is used, one comes instead.
  for (int i = 0; i < 5; ++i) CHECK(resumes(config, server));
  CHECK_EQ(config->sessions()->size(), 2u);
}

TEST("session tls 1.2 sessions are used again and again") {
  TlsServer server(server_spec(TLS1_2_VERSION));
  const auto config = make_config(trusting_root());
  CHECK(!resumes(config, server));
  CHECK_EQ(config->sessions()->size(), 1u);
  TlsPair first(config, server, kPeer);
  TlsPair second(config, server, kPeer);
  CHECK(first.handshake());
  CHECK(second.handshake());
  CHECK(first.info().reused);
  CHECK(second.info().reused);
  CHECK_EQ(config->sessions()->size(), 1u);
}

TEST("session survives a connection that was just dropped") {
  TlsServer server(server_spec());
  const auto config = make_config(trusting_root());
  {
    TlsPair pair(config, server, kPeer);
    CHECK(pair.handshake());
    pair.settle();
    pair.drop_client();  // without a close_notify
  }
  CHECK(resumes(config, server));
}

TEST("session is refused by a server that has forgotten it") {
  TlsServer server(server_spec());
  TlsServer restarted(server_spec());
  const auto config = make_config(trusting_root());
  CHECK(!resumes(config, server));
  CHECK(!resumes(config, restarted));  // a full handshake, judged anew
  CHECK(resumes(config, restarted));
}

TEST("session belongs to its server, name and configuration") {
  TlsServer server(server_spec());
  const auto config = make_config(trusting_root());
  CHECK(!resumes(config, server));
  CHECK(!resumes(config, server, TlsPeer{"host.example", std::nullopt, "host.example:444"}));
  CHECK(!resumes(config, server, TlsPeer{"host.example", "other.example", "host.example:443"}));
  CHECK(!resumes(config, server, TlsPeer{"host.example", "", "host.example:443"}));
  CHECK(!resumes(make_config(trusting_root()), server));
  CHECK(resumes(config, server));
}

TEST("session of a connection that nobody vouches for is not kept") {
  TlsServer server(server_spec());
  TlsSettings settings;
  settings.ca = pem_of(leaf().certificate);  // not the root
  settings.reject_unauthorized = false;
  const auto config = make_config(settings);
  CHECK(!resumes(config, server, kPeer, false));
  CHECK(!resumes(config, server, kPeer, false));
  CHECK_EQ(config->sessions()->size(), 0u);
}

TEST("session is not kept where that is not wanted") {
  TlsServer server(server_spec());
  TlsSettings settings = trusting_root();
  settings.session_cache = false;
  const auto without = make_config(settings);
  CHECK(!resumes(without, server));
  CHECK(!resumes(without, server));
  CHECK(without->sessions() == nullptr);
  const auto config = make_config(trusting_root());
  const TlsPeer nameless{"host.example", std::nullopt, ""};
  CHECK(!resumes(config, server, nameless));
  CHECK(!resumes(config, server, nameless));
}

TEST("session with pinning and a client certificate") {
  ServerSpec spec = server_spec();
  spec.client_authority = &root();
  TlsServer server(spec);
  TlsSettings settings = trusting_root();
  const Credentials client = make_leaf("client", "", root());
  settings.cert = pem_of(client.certificate);
  settings.key = pem_of(client.key);
  settings.fingerprint256 = {fingerprint256(leaf().certificate.get())};
  const auto config = make_config(settings);
  CHECK(!resumes(config, server));
  TlsPair pair(config, server, kPeer);
  CHECK(pair.handshake());
  CHECK(pair.info().reused);
  CHECK(pair.info().authorized);
  // The server still knows who we are.
  CHECK(SSL_get0_peer_certificate(pair.server()) != nullptr);
}

TEST("session verdict of a resumed connection outlives it") {
  TlsServer server(server_spec());
  const auto config = make_config(trusting_root());
  CHECK(!resumes(config, server));
  TlsPair pair(config, server, kPeer);
  CHECK(!pair.verdict().authorized());  // nothing is known before the handshake
  CHECK(pair.handshake());
  CHECK(pair.info().reused);
  pair.drop_client();
  CHECK(pair.verdict().authorized());
}

TEST("session cache gives out the newest first") {
  SessionCache cache;
  CHECK(cache.take("a") == nullptr);
  SslSessionPtr first = make_session(TLS1_3_VERSION);
  SslSessionPtr second = make_session(TLS1_3_VERSION);
  SSL_SESSION* const first_pointer = first.get();
  SSL_SESSION* const second_pointer = second.get();
  cache.put("a", std::move(first));
  cache.put("a", std::move(second));
  CHECK_EQ(cache.size(), 2u);
  CHECK(cache.take("b") == nullptr);
  CHECK(cache.take("a").get() == second_pointer);
  CHECK(cache.take("a").get() == first_pointer);
  CHECK(cache.take("a") == nullptr);
  CHECK_EQ(cache.size(), 0u);
}

TEST("session cache drops what has run out") {
  SessionCache cache;
  cache.put("a", make_session(TLS1_3_VERSION, 0, 300));
  cache.put("a", make_session(TLS1_3_VERSION, 301, 300));
  cache.put("a", make_session(TLS1_3_VERSION, -10, 300));  // the clock was set back
  CHECK(cache.take("a") != nullptr);
  CHECK_EQ(cache.size(), 0u);
  cache.put("a", nullptr);
  CHECK_EQ(cache.size(), 0u);
}

TEST("session cache is bounded") {
  SessionCache cache;
  for (size_t i = 0; i < SessionCache::kMaxPerServer * 2; ++i) {
    cache.put("busy", make_session(TLS1_3_VERSION));
  }
  CHECK_EQ(cache.size(), SessionCache::kMaxPerServer);
  for (int i = 0; i < 1000; ++i) cache.put(std::to_string(i), make_session(TLS1_2_VERSION));
  CHECK_EQ(cache.size(), SessionCache::kMaxServers);
  CHECK(cache.take("busy") == nullptr);
  CHECK(cache.take("0") == nullptr);
  CHECK(cache.take("999") != nullptr);
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 10; ++j)
      cache.put("server " + std::to_string(i), make_session(TLS1_3_VERSION));
  }
  CHECK_EQ(cache.size(), SessionCache::kMaxSessions);
  cache.clear();
  CHECK_EQ(cache.size(), 0u);
  CHECK(cache.take("server 99") == nullptr);
}

TEST_MAIN
