#include "engine/client_opening.h"

#include <openssl/ssl.h>

#include <utility>

#include "engine/lws_compat.h"
#include "engine/lws_transport.h"
#include "engine/service.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/tls_io.h"

namespace vws {

namespace {

// What making a connection counts for, in bytes copied: so much that a thread which makes many keeps at it.
constexpr uint64_t kHandshakeWork = 256 * 1024;

// For the log.
std::string target_of(const SocketOptions& options) {
  if (!options.unix_path.empty()) return options.unix_path;
  return options.host + ", port " + std::to_string(options.port);
}

}  // namespace

ClientOpening::ClientOpening(Service& service, int32_t id, SocketOptions socket,
                             UpgradeRequest request, Milliseconds timeout,
                             OpeningListener& listener)
    : service_(service),
      id_(id),
      listener_(listener),
      timeout_(timeout),
      socket_(std::move(socket)),
      request_(std::move(request)) {}

ClientOpening::~ClientOpening() {
  service_.loop().cancel(timer_);
  connector_.reset();
  if (upgrade_ && upgrade_->wsi()) service_.host().kill(upgrade_->wsi());
}

void ClientOpening::start() {
  began_ = Clock::now();
  Log::write_of(kLogUser, id_, "connect to ", target_of(socket_));
  if (timeout_.count() > 0) {
    timer_ = service_.loop().after(timeout_, [this] {
      timer_ = 0;
      on_timeout();
    });
  }
  connector_ = std::make_unique<Connector>(
      service_.loop(), service_.resolver(), std::move(socket_),
      [this](ConnectResult result) { on_connected(std::move(result)); });
}

void ClientOpening::on_timeout() {
  ConnectionFailure failure;
  failure.code = "ERR_HANDSHAKE_TIMEOUT";
  failure.reason =
      upgrade_ ? "Timed out waiting for handshake" : "Timed out waiting for connection";
  const std::string ms = std::to_string(timeout_.count()) + " ms";
  failure.detail = refusal_.status ? "the body of the response was not complete within " + ms
                                   : "the connection was not established within " + ms;
  fail(std::move(failure));
}

// Since it began.
void ClientOpening::log_latency(const char* what) const {
  if (!Log::enabled(kLogLatency)) return;
  const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
  Log::write_of(kLogLatency, id_, what, std::to_string(passed.count()) + " us");
}

void ClientOpening::fail(ConnectionFailure failure) {
  if (!given_up_) listener_.on_opening_failed(std::move(failure));
}

void ClientOpening::on_connected(ConnectResult result) {
  if (auto* error = std::get_if<ConnectError>(&result)) {
    ConnectionFailure failure;
    failure.code = error->code;
    failure.reason = error->reason;
    failure.detail = error->detail;
    failure.errno_name = error->errno_name;
    failure.address = error->address;
    failure.port = error->port;
    failure.status = error->status;
    fail(std::move(failure));
    return;
  }
  auto& socket = std::get<ConnectedSocket>(result);
  local_ = socket.local;
  peer_ = socket.peer;
  UniqueFd fd = std::move(socket.fd);
  connector_.reset();
  Log::write_of(kLogClient, id_, "connected to ", peer_.text_with_port());
  log_latency("connected after ");
  upgrade_ = std::make_unique<Upgrade>(std::move(request_), static_cast<UpgradeListener*>(this));
  service_.host().start(*upgrade_, std::move(fd));
}

// Inside the engine.
void ClientOpening::on_certificate() {
  const std::vector<uint8_t> der = leaf_der(static_cast<SSL*>(lws_get_ssl(upgrade_->wsi())));
  service_.inbox().add_value(
      id_, Kind::kCertificate,
      CertificateValue{std::string(der.begin(), der.end()), upgrade_->verdict().hostname()});
  service_.host().hold(*upgrade_);
}

void ClientOpening::judge(const std::string& error) {
  if (!upgrade_) return;
  upgrade_->judge(error);
  if (error.empty()) {
    if (upgrade_->wsi()) service_.host().go_on(*upgrade_);
  } else {
    upgrade_->engine_failed("");
  }
}

UpgradeResponse ClientOpening::take_response() {
  return upgrade_ ? upgrade_->take_response() : std::move(refusal_);
}

// Inside the engine.
void ClientOpening::on_upgrade_failed(ConnectionFailure failure) {
  if (failure.address.empty()) failure.address = peer_.text();
  if (failure.port == 0) failure.port = peer_.port();
  fail(std::move(failure));
}

// Inside the engine, which goes on waiting for a response: it never gets to see this one.
void ClientOpening::on_refused(ConnectionFailure failure) {
  if (given_up_) return;
  failure.address = peer_.text();
  failure.port = peer_.port();
  refusal_ = upgrade_->take_response();
  Log::write_of(kLogHeader, id_, "response headers: ", refusal_.headers);
  listener_.on_refused(
      std::move(failure),
      std::make_shared<LwsTransport>(service_.loop(), service_.host(), std::move(upgrade_)));
}

EstablishedValue ClientOpening::established_value() {
  EstablishedValue value;
  value.protocol = upgrade_->protocol();
  value.extensions = upgrade_->extensions();
  value.compressed = upgrade_->negotiated().on;
  static_cast<Endpoints&>(value) = endpoints_of(peer_, local_);
  if (upgrade_->request().secure) {
    const auto* ssl = static_cast<SSL*>(lws_get_ssl(upgrade_->wsi()));
    value.tls = std::make_unique<PeerInfo>(peer_info(ssl, upgrade_->verdict()));
  }
  value.response = upgrade_->take_response();
  return value;
}

// Inside the engine: the wsi lives on, and may not be closed before this returns.
void ClientOpening::on_established() {
  if (given_up_) return;
  service_.loop().cancel(std::exchange(timer_, 0));
  const Negotiated negotiated = upgrade_->negotiated();
  EstablishedValue value = established_value();
  Log::write_of(kLogClient, id_, "established", "");
  log_latency("established after ");
  Log::write_of(kLogHeader, id_, "response headers: ", value.response.headers);
  if (negotiated.on) Log::write_of(kLogExtensions, id_, "in force: ", value.extensions);
  service_.note_work(kHandshakeWork);
  service_.inbox().add_value(id_, Kind::kEstablished, std::move(value));

  Opened opened;
  opened.early = upgrade_->take_early_data();
  if (negotiated.on) {
    opened.deflate =
        DeflateTerms{negotiated.server_max_window_bits, negotiated.client_max_window_bits,
                     negotiated.server_no_context_takeover, negotiated.client_no_context_takeover};
  }
  opened.transport =
      std::make_shared<LwsTransport>(service_.loop(), service_.host(), std::move(upgrade_));
  listener_.on_opened(std::move(opened));
}

}  // namespace vws
