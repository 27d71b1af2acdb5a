// Handshakes that fail, and what is said of them.

#include <string>

#include "harness.h"
#include "support/system.h"
#include "tls_support.h"

using namespace tls_test;

namespace {

const Credentials& root() {
  static const Credentials made = make_authority("Test Root");
  return made;
}

const Credentials& leaf() {
  static const Credentials made = make_leaf("host", "DNS:host.example", root());
  return made;
}

TlsSettings trusting_root() {
  TlsSettings settings;
  settings.ca = pem_of(root().certificate);
  return settings;
}

const TlsPeer kPeer{"host.example", std::nullopt, ""};

TlsFailure failure_with(const TlsSettings& settings, const ServerSpec& spec) {
  TlsServer server(spec);
  TlsPair pair(make_config(settings), server, kPeer);
  CHECK(!pair.handshake());
  if (pair.failure()) return pair.failure();
  // The client believes that all is well until it reads.
  const IoResult result = pair.settle();
  CHECK_EQ(result.state, IoResult::kError);
  return result.failure;
}

// A client on one end of a socket pair; the other end is the test's.
class SocketClient {
 public:
  SocketClient() : ssl_(SSL_new(client_context())) {
    SSL_set_fd(ssl_.get(), ends_.one.get());
    SSL_set_connect_state(ssl_.get());
    CHECK(!make_config(trusting_root())->apply(ssl_.get(), kPeer, verdict_));
    CHECK(status() == TlsStatus::kWantRead);
  }
  TlsStatus status() {
    ERR_clear_error();
    return tls_status(ssl_.get(), SSL_do_handshake(ssl_.get()));
  }
  TlsFailure failure() { return describe_handshake_failure(ssl_.get(), verdict_); }
  void answer(const std::string& bytes) {
    CHECK_EQ(vws::os::send(ends_.other.get(), bytes.data(), bytes.size()),
             static_cast<ssize_t>(bytes.size()));
  }
  void close_peer() { ends_.other.reset(); }

 private:
  vws::test::SocketPair ends_ = vws::test::socket_pair();
  TlsVerdict verdict_;
  SslPtr ssl_;
};

void expect_alert(unsigned char alert, const std::string& code, const std::string& words) {
  SocketClient client;
  client.answer(std::string("\x15\x03\x03\x00\x02\x02", 6) + static_cast<char>(alert));
  CHECK(client.status() == TlsStatus::kProtocol);
  const TlsFailure failure = client.failure();
  CHECK_EQ(failure.code, code);
  CHECK(failure.detail.find(words) != std::string::npos);
}

}  // namespace

TEST("failure of a server that speaks no tls") {
  for (const char* text : {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    SocketClient client;
    client.answer(text);
    CHECK(client.status() == TlsStatus::kProtocol);
    CHECK_EQ(client.failure().code, "ERR_SSL_WRONG_VERSION_NUMBER");
    CHECK(client.failure().detail.find("does not speak TLS") != std::string::npos);
    CHECK(ERR_peek_error() != 0);  // left for the engine
  }
}

TEST("failure of a server that hangs up") {
  SocketClient client;
  client.close_peer();
  CHECK(client.status() != TlsStatus::kWantRead);
  CHECK_EQ(client.failure().code, "ECONNRESET");
  CHECK(client.failure().detail.find("during the TLS handshake") != std::string::npos);

  SocketClient midway;
  midway.answer(std::string("\x16\x03\x03\x00\x40\x02", 6));
  CHECK(midway.status() == TlsStatus::kWantRead);
  midway.close_peer();
  CHECK(midway.status() != TlsStatus::kWantRead);
  CHECK_EQ(midway.failure().code, "ECONNRESET");
}

TEST("failure leaves errno and the queue alone") {
  SocketClient client;
  client.answer("HTTP/1.1 400 Bad Request\r\n\r\n");
  client.status();
  const unsigned long error = ERR_peek_error();
  errno = EALREADY;
  client.failure();
  CHECK_EQ(errno, EALREADY);
  CHECK_EQ(ERR_peek_error(), error);
}

TEST("failure alerts") {
  expect_alert(40, "ERR_TLS_ALERT_HANDSHAKE_FAILURE", "none of the ciphers");
  expect_alert(42, "ERR_TLS_CLIENT_CERT_REFUSED", "client certificate");
  expect_alert(45, "ERR_TLS_CLIENT_CERT_REFUSED", "has expired");
  expect_alert(48, "ERR_TLS_CLIENT_CERT_REFUSED", "who issued");
  expect_alert(116, "ERR_TLS_CLIENT_CERT_REQUIRED", "wants a client certificate");
  expect_alert(70, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "versions");
  expect_alert(80, "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "internal error");
  expect_alert(112, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", "does not know the name");
}

TEST("failure of versions and ciphers") {
  ServerSpec spec;
  spec.credentials = &leaf();
  spec.max_version = TLS1_2_VERSION;
  TlsSettings settings = trusting_root();
  settings.min_version = "TLSv1.3";
  CHECK_EQ(failure_with(settings, spec).code, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");

  spec.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  settings = trusting_root();
  settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  CHECK_EQ(failure_with(settings, spec).code, "ERR_TLS_ALERT_HANDSHAKE_FAILURE");

  spec = ServerSpec();
  spec.credentials = &leaf();
  spec.alpn = "http/1.1";
  settings = trusting_root();
  settings.alpn = {"h2"};
  CHECK_EQ(failure_with(settings, spec).code, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
}

TEST("failure of a server that wants a certificate") {
  ServerSpec spec;
  spec.credentials = &leaf();
  spec.client_authority = &root();
  TlsFailure failure = failure_with(trusting_root(), spec);
  CHECK_EQ(failure.code, "ERR_TLS_CLIENT_CERT_REQUIRED");
  CHECK(failure.detail.find("wants a client certificate") != std::string::npos);
  spec.max_version = TLS1_2_VERSION;
  CHECK_EQ(failure_with(trusting_root(), spec).code, "ERR_TLS_ALERT_HANDSHAKE_FAILURE");
}

TEST("failure of a server that does not like the certificate") {
  const Credentials stranger = make_authority("Stranger");
  const Credentials client = make_leaf("client", "", stranger);
  ServerSpec spec;
  spec.credentials = &leaf();
  spec.client_authority = &root();
  TlsSettings settings = trusting_root();
  settings.cert = pem_of(client.certificate);
  settings.key = pem_of(client.key);
  CHECK_EQ(failure_with(settings, spec).code, "ERR_TLS_CLIENT_CERT_REFUSED");

  CertificateSpec old;
  old.common_name = "client";
  old.valid_from = -7200;
  old.valid_to = -3600;
  const Credentials expired = make_credentials(old, &root());
  settings.cert = pem_of(expired.certificate);
  settings.key = pem_of(expired.key);
  const TlsFailure failure = failure_with(settings, spec);
  CHECK_EQ(failure.code, "ERR_TLS_CLIENT_CERT_REFUSED");
  CHECK(failure.detail.find("client certificate has expired") != std::string::npos);
}

TEST_MAIN
