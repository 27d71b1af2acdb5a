// TLS of the engine's listener: good handshakes and bad ones, slow ones, names, clients' certificates, tickets, and
// certificates that are changed under way.

#include <string>
#include <vector>

#include "net_support.h"
#include "server_tls_support.h"

namespace vws::test {

namespace {

// OpenSSL's own socket, the client's, does not ask for silence.
[[maybe_unused]] const bool kIgnored = ignore_broken_pipes();

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionDeleter>;

const tls_test::Credentials& client_leaf() {
  static const tls_test::Credentials& made =
      *new tls_test::Credentials(tls_test::make_leaf("client", "DNS:client", authority()));
  return made;
}

// What the server knows of a client that gets through; null: it did not.
const ClientInfo* facts_of(ServerScene& scene, TlsClient& client) {
  if (!client.say(kUpgradeRequest)) return nullptr;
  // A client's certificate may be refused after the client's part of the handshake.
  const size_t known = scene.consumer.requests.size();
  const bool come = scene.consumer.until(
      [&] { return scene.consumer.requests.size() > known || client.has_ended(); });
  if (!come || scene.consumer.requests.size() == known) return nullptr;
  scene.accept(scene.consumer.requests.back().id);
  CHECK_EQ(client.read(sizeof kGreeting - 1), kGreeting);
  return scene.consumer.requests.back().value.tls.get();
}

// The name in the certificate that a client gets.
std::string name_for(ServerScene& scene, const char* servername) {
  ClientTls settings;
  settings.servername = servername;
  TlsClient client(scene.port, true, settings);
  if (!client.shaken()) return "none";
  char name[100] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client.ssl())),
                            NID_commonName, name, sizeof name);
  return name;
}

// A session that the server has given, having let the client in.
SessionPtr session_for(ServerScene& scene, const ClientTls& settings) {
  TlsClient client(scene.port, true, settings);
  CHECK(facts_of(scene, client) != nullptr);
  return SessionPtr(SSL_get1_session(client.ssl()));
}

// Whether the session is resumed; *let_in: whether the client gets through.
bool resumes(ServerScene& scene, ClientTls settings, SSL_SESSION* session, bool* let_in = nullptr) {
  // TLS 1.3 uses a session once.
  const SessionPtr copy(SSL_SESSION_dup(session));
  settings.session = copy.get();
  TlsClient client(scene.port, true, settings);
  const bool got_through = facts_of(scene, client) != nullptr;
  if (let_in) *let_in = got_through;
  return client.shaken() && SSL_session_reused(client.ssl()) == 1;
}

std::string ticket_key(char c) { return std::string(48, c); }

}  // namespace

TEST("handshakes of each version, and what they have agreed on") {
  ServerTlsSettings settings = server_settings();
  settings.base.alpn = {"http/1.1"};
  ServerScene scene({}, server_tls(settings));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientTls asked;
    asked.version = version;
    asked.servername = "localhost";
    asked.alpn = std::string("\x08http/1.1");
    TlsClient client(scene.port, true, asked);
    const ClientInfo* facts = facts_of(scene, client);
    if (!CHECK(facts != nullptr)) return;
    CHECK_EQ(facts->protocol, version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    CHECK_EQ(facts->cipher.substr(0, 4), "TLS_");
    CHECK_EQ(facts->alpn, "http/1.1");
    CHECK_EQ(facts->servername, "localhost");
    CHECK(!facts->authorized && facts->certificate.empty());
    CHECK_EQ(facts->authorization_error, "");
  }
  ClientTls other;
  other.alpn = std::string("\x02h2");
  CHECK(!TlsClient(scene.port, true, other).shaken());
  CHECK(scene.until(&ListenerStats::tls_failures, 1));
}

TEST("handshakes that fail, and the listener goes on") {
  ServerScene scene({}, server_tls());
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), std::string(1000, '\0'),
        std::string("\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff", 10)}) {
    RawClient client(scene.port);
    client.say(garbage);
    client.read_all();  // an alert, or nothing
  }
  CHECK(scene.until(&ListenerStats::tls_failures, 3));
  ClientTls old;
  old.version = TLS1_1_VERSION;
  CHECK(!TlsClient(scene.port, true, old).shaken());
  CHECK(scene.until(&ListenerStats::tls_failures, 4));
  {
    RawClient gone(scene.port);
    gone.say(std::string("\x16\x03\x01", 3));
    gone.reset();
  }
  CHECK(scene.until(&ListenerStats::tls_failures, 5));
  CHECK(scene.until(&ListenerStats::connections, 0));
  TlsClient good(scene.port, true);
  CHECK(facts_of(scene, good) != nullptr);
}

TEST("the deadline counts TLS, and nothing is answered there") {
  ListenerLimits limits;
  limits.handshake_timeout = Milliseconds(200);
  ServerScene scene(limits, server_tls());
  RawClient silent(scene.port);
  CHECK_EQ(silent.read_all(), "");
  RawClient begun(scene.port);
  begun.say(std::string("\x16\x03\x01\x02\x00", 5));
  CHECK_EQ(begun.read_all(), "");
  CHECK_EQ(scene.stats().timeouts, uint64_t{2});
  // Behind TLS there is an answer.
  TlsClient no_request(scene.port, true);
  CHECK_EQ(no_request.read_all(), "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
}

TEST("answers over TLS are whole") {
  ServerScene scene({}, server_tls());
  TlsClient client(scene.port, true);
  client.say("nonsense\r\n\r\n");
  CHECK_EQ(client.read_all(), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  // And TLS is ended properly.
  CHECK(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN);
  TlsClient refused(scene.port, true);
  refused.say(kUpgradeRequest);
  Consumer::Request* request = scene.next_request();
  if (!CHECK(request != nullptr)) return;
  const std::string answer = "HTTP/1.1 401 Unauthorized\r\n\r\n" + std::string(100000, 'x');
  scene.consumer.engine.refuse(request->id, answer);
  CHECK_EQ(refused.read_all(), answer);
}

TEST("a ClientHello in single bytes") {
  ServerScene scene({}, server_tls());
  // What a client would say goes through memory.
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  SslPtr ssl(SSL_new(context.get()));
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  RawClient raw(scene.port);
  const auto send_what_there_is = [&] {
    const std::string bytes = tls_test::drain(out);
    static_cast<void>(BIO_reset(out));
    for (const char byte : bytes) raw.say(std::string(1, byte));
  };
  while (SSL_do_handshake(ssl.get()) != 1) {
    send_what_there_is();
    const std::string answer = raw.read(1);
    if (!CHECK(!answer.empty())) return;
    BIO_write(in, answer.data(), 1);
  }
  SSL_write(ssl.get(), kUpgradeRequest, sizeof kUpgradeRequest - 1);
  send_what_there_is();
  CHECK(scene.next_request() != nullptr);
}

TEST("names: exact ones, one label for a star, and all others") {
  const auto tls = ServerTls::with_names(
      server_tls(), {{"one.example", server_tls(server_settings("one.example"))},
                     {"*.two.example", server_tls(server_settings("star.two.example"))}});
  ServerScene scene({}, tls);
  CHECK_EQ(name_for(scene, "one.example"), "one.example");
  CHECK_EQ(name_for(scene, "ONE.Example"), "one.example");
  CHECK_EQ(name_for(scene, "a.two.example"), "star.two.example");
  CHECK_EQ(name_for(scene, "a.b.two.example"), "localhost");
  CHECK_EQ(name_for(scene, "two.example"), "localhost");
  CHECK_EQ(name_for(scene, "other"), "localhost");
  CHECK_EQ(name_for(scene, nullptr), "localhost");
}

TEST("certificates of clients") {
  tls_test::CertificateSpec spec;
  spec.common_name = "self";
  const tls_test::Credentials own = tls_test::make_credentials(spec);
  for (const bool strict : {false, true}) {
    ServerTlsSettings settings = server_settings();
    settings.request_cert = true;
    settings.base.reject_unauthorized = strict;
    ServerScene scene({}, server_tls(settings));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      ClientTls asked;
      asked.version = version;
      TlsClient none(scene.port, true, asked);
      const ClientInfo* facts = facts_of(scene, none);
      CHECK_EQ(facts != nullptr, !strict);
      if (facts) CHECK(!facts->authorized && facts->certificate.empty());

      asked.credentials = &own;
      TlsClient unknown(scene.port, true, asked);
      facts = facts_of(scene, unknown);
      CHECK_EQ(facts != nullptr, !strict);
      if (facts) {
        CHECK(!facts->authorized);
        CHECK_EQ(facts->authorization_error, "DEPTH_ZERO_SELF_SIGNED_CERT");
      }

      asked.credentials = &client_leaf();
      TlsClient known(scene.port, true, asked);
      facts = facts_of(scene, known);
      if (!CHECK(facts != nullptr)) return;
      CHECK(facts->authorized);
      CHECK_EQ(std::string(facts->certificate.begin(), facts->certificate.end()),
               tls_test::der_of(client_leaf().certificate));
    }
    CHECK_EQ(scene.stats().tls_failures, uint64_t{strict ? 4u : 0u});
  }
}

TEST("tickets: keys that rotate, and are shared") {
  ServerTlsSettings settings = server_settings();
  settings.ticket_keys = ticket_key('a');
  ServerScene scene({}, server_tls(settings));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    scene.set_tls(server_tls(settings));
    ClientTls asked;
    asked.version = version;
    const SessionPtr session = session_for(scene, asked);
    CHECK(resumes(scene, asked, session.get()));
    // Another process that has the key, and a newer one.
    ServerTlsSettings rotated = server_settings();
    rotated.ticket_keys = ticket_key('b') + ticket_key('a');
    scene.set_tls(server_tls(rotated));
    CHECK(resumes(scene, asked, session.get()));
    rotated.ticket_keys = ticket_key('b');
    scene.set_tls(server_tls(rotated));
    bool let_in = false;
    CHECK(!resumes(scene, asked, session.get(), &let_in));
    CHECK(let_in);
  }
  settings.ticket_keys = "short";
  CHECK_EQ(ServerTls::create(settings).error().code, "ERR_TLS_TICKET_KEYS");
}

TEST(
    "tickets of a name are made with the keys of the server, not with its own, which it need not "
    "have") {
  ServerTlsSettings base = server_settings();
  base.ticket_keys = ticket_key('a');
  const auto with_name = [&] {
    return ServerTls::with_names(server_tls(base),
                                 {{"one.example", server_tls(server_settings("one.example"))}});
  };
  ServerScene scene({}, with_name());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientTls asked;
    asked.version = version;
    asked.servername = "one.example";
    const SessionPtr session = session_for(scene, asked);
    CHECK(resumes(scene, asked, session.get()));
    // As another process of a cluster.
    scene.set_tls(with_name());
    CHECK(resumes(scene, asked, session.get()));
    base.ticket_keys = ticket_key('b');
    scene.set_tls(with_name());
    CHECK(!resumes(scene, asked, session.get()));
    base.ticket_keys = ticket_key('a');
    scene.set_tls(with_name());
  }
}

TEST("who was let in without a certificate is not let in by a ticket where one is asked for") {
  ServerTlsSettings open = server_settings();
  open.ticket_keys = ticket_key('a');
  ServerTlsSettings closed = server_settings("closed.example");
  closed.request_cert = true;
  closed.base.reject_unauthorized = true;
  closed.ticket_keys = ticket_key('a');
  const auto names = [&] {
    return ServerTls::with_names(server_tls(open), {{"closed.example", server_tls(closed)},
                                                    {"open.example", server_tls(open)}});
  };
  ServerScene scene({}, names());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const char* first : {static_cast<const char*>(nullptr), "open.example"}) {
      scene.set_tls(names());
      ClientTls asked;
      asked.version = version;
      asked.servername = first;
      const SessionPtr session = session_for(scene, asked);
      CHECK(resumes(scene, asked, session.get()));
      // By another name of the same server.
      asked.servername = "closed.example";
      bool let_in = true;
      resumes(scene, asked, session.get(), &let_in);
      // A session that is resumed under TLS 1.2 keeps its own server name; the one that the client sends is not used.
      const auto& facts = scene.consumer.requests.back().value.tls;
      CHECK(!let_in || facts->servername != "closed.example");
      CHECK(!let_in || version == TLS1_2_VERSION);
      // At another server with the same keys.
      asked.servername = first;
      scene.set_tls(server_tls(closed));
      let_in = true;
      resumes(scene, asked, session.get(), &let_in);
      CHECK(!let_in);
    }
    // Who has shown one resumes.
    scene.set_tls(names());
    ClientTls asked;
    asked.version = version;
    asked.servername = "closed.example";
    asked.credentials = &client_leaf();
    const SessionPtr session = session_for(scene, asked);
    bool let_in = false;
    CHECK(resumes(scene, asked, session.get(), &let_in));
    CHECK(let_in);
    CHECK(scene.consumer.requests.back().value.tls->authorized);
  }
}

TEST("a certificate that is changed while handshakes are under way") {
  ServerScene scene({}, server_tls(server_settings("before.example")));
  RawClient begun(scene.port);
  begun.say(std::string("\x16\x03\x01", 3));
  TlsClient open(scene.port, true);
  CHECK(facts_of(scene, open) != nullptr);
  const int32_t id = scene.consumer.requests.back().id;
  CHECK(scene.until(&ListenerStats::accepted, 2));
  scene.set_tls(server_tls(server_settings("after.example")));
  CHECK_EQ(name_for(scene, nullptr), "after.example");
  // The ones from before are what they were.
  begun.say("no TLS at all, from here on");
  begun.read_all();
  open.say(client_frame(kText, "hello"));
  CHECK(scene.consumer.until([&] { return !scene.consumer.of(id).messages.empty(); }));
}

TEST("an OCSP response is stapled for who asks") {
  ServerTlsSettings settings = server_settings();
  settings.ocsp_response = "not looked at";
  ServerScene scene({}, server_tls(settings));
  ClientTls asked;
  asked.wants_ocsp = true;
  TlsClient client(scene.port, true, asked);
  if (!CHECK(client.shaken())) return;
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &response);
  if (!CHECK(size > 0)) return;
  CHECK_EQ(std::string(reinterpret_cast<const char*>(response), static_cast<size_t>(size)),
           settings.ocsp_response);
}

TEST("an engine that ends during handshakes leaves no descriptor") {
  const auto tls = server_tls();
  const int before = open_descriptors();
  for (const ServiceMode mode : {ServiceMode::kThread, ServiceMode::kAdaptive}) {
    ServerScene scene({}, tls, mode);
    std::vector<RawClient> clients;
    clients.reserve(20);
    for (int i = 0; i < 20; ++i) {
      clients.emplace_back(scene.port);
      if (i % 2) clients.back().say(std::string("\x16\x03\x01\x02", 4));
    }
    CHECK(scene.until(&ListenerStats::handshakes, 20));
  }
  CHECK_EQ(open_descriptors(), before);
}

}  // namespace vws::test

TEST_MAIN
