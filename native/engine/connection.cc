// A connection's way up and its way down. Its bytes are in connection_io.cc.

#include "engine/connection.h"

#include <openssl/ssl.h>

#include <cerrno>
#include <utility>

#include "engine/lws_compat.h"
#include "engine/net/system_names.h"
#include "engine/service.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/tls_io.h"
#include "engine/ws/close_codes.h"

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

Connection::Connection(Service& service, int32_t id, ConnectionOptions options)
    : service_(service),
      id_(id),
      settings_(options),
      setup_(std::make_unique<ConnectionOptions>(std::move(options))),
      wire_(service.chunks()) {}

Connection::~Connection() = default;

void Connection::cancel_timer(EventLoop::TimerId& timer) {
  service_.loop().cancel(std::exchange(timer, 0));
}

Connection::Ending& Connection::ending() {
  if (!ending_) ending_ = std::make_unique<Ending>();
  return *ending_;
}

// ---- Up

void Connection::start() {
  if (phase_ != Phase::kIdle || given_up_) return;
  phase_ = Phase::kConnecting;
  began_ = Clock::now();
  log(kLogUser, "connect to ", target_of(setup_->socket));
  if (settings_.handshake_timeout.count() > 0) {
    handshake_timer_ = service_.loop().after(settings_.handshake_timeout, [this] {
      handshake_timer_ = 0;
      on_handshake_timeout();
    });
  }
  connector_ = std::make_unique<Connector>(
      service_.loop(), service_.resolver(), std::move(setup_->socket),
      [this](ConnectResult result) { on_connected(std::move(result)); });
}

void Connection::on_handshake_timeout() {
  const std::string ms = std::to_string(settings_.handshake_timeout.count());
  fail("ERR_HANDSHAKE_TIMEOUT",
       phase_ == Phase::kConnecting ? "Timed out waiting for connection"
                                    : "Timed out waiting for handshake",
       "the connection was not established within " + ms + " ms");
}

void Connection::on_connected(ConnectResult result) {
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
  ends_ = std::make_unique<Ends>(Ends{socket.local, socket.peer});
  UniqueFd fd = std::move(socket.fd);
  connector_.reset();
  log(kLogClient, "connected to ", ends_->peer.text_with_port());
  log_latency("connected after ");
  phase_ = Phase::kUpgrading;
  upgrade_ =
      std::make_unique<Upgrade>(std::move(setup_->request), static_cast<UpgradeListener*>(this));
  service_.host().start(*upgrade_, std::move(fd));
}

// Inside the engine.
void Connection::on_certificate() {
  const std::vector<uint8_t> der = leaf_der(static_cast<SSL*>(lws_get_ssl(upgrade_->wsi())));
  service_.inbox().add_value(
      id_, Kind::kCertificate,
      CertificateValue{std::string(der.begin(), der.end()), upgrade_->verdict().hostname()});
  service_.host().hold(*upgrade_);
}

void Connection::judge(const std::string& error) {
  if (phase_ != Phase::kUpgrading || !upgrade_) return;
  upgrade_->judge(error);
  if (error.empty()) {
    if (upgrade_->wsi()) service_.host().go_on(*upgrade_);
  } else {
    upgrade_->engine_failed("");
  }
}

// Inside the engine.
void Connection::on_upgrade_failed(ConnectionFailure failure) {
  if (failure.address.empty()) failure.address = ends_->peer.text();
  if (failure.port == 0) failure.port = ends_->peer.port();
  fail(std::move(failure));
}

// Inside the engine: the wsi lives on, and may not be closed before this returns.
void Connection::on_established() {
  if (given_up_ || failure_) return;
  cancel_timer(handshake_timer_);
  phase_ = Phase::kOpen;
  lws* wsi = upgrade_->wsi();
  fd_ = lws_get_socket_fd(wsi);
  ssl_ = upgrade_->request().secure ? static_cast<SSL*>(lws_get_ssl(wsi)) : nullptr;

  EstablishedValue value;
  value.protocol = upgrade_->protocol();
  value.extensions = upgrade_->extensions();
  const Negotiated& negotiated = upgrade_->negotiated();
  value.compressed = negotiated.on;
  value.remote_address = ends_->peer.text();
  value.remote_port = ends_->peer.port();
  value.local_address = ends_->local.text();
  value.local_port = ends_->local.port();
  value.family = ends_->peer.ip_version();
  if (ssl_) {
    PeerInfo info = peer_info(ssl_, upgrade_->verdict());
    value.secure = true;
    value.tls_protocol = std::move(info.protocol);
    value.cipher = std::move(info.cipher);
    value.alpn = std::move(info.alpn);
    value.fingerprint256 = std::move(info.fingerprint256);
    value.authorized = info.authorized;
    value.reused = info.reused;
    tls_begin_bulk(ssl_);
  }
  value.response = upgrade_->take_response();
  log(kLogClient, "established", "");
  log_latency("established after ");
  service_.note_work(kHandshakeWork);
  log(kLogHeader, "response headers: ", value.response.headers);
  if (negotiated.on) log(kLogExtensions, "in force: ", value.extensions);
  service_.inbox().add_value(id_, Kind::kEstablished, std::move(value));

  if (negotiated.on) {
    inflater_ =
        std::make_unique<Inflater>(service_.deflate_pool(), negotiated.server_max_window_bits,
                                   negotiated.server_no_context_takeover);
    deflater_ =
        std::make_unique<Deflater>(service_.deflate_pool(), negotiated.client_max_window_bits,
                                   negotiated.client_no_context_takeover, settings_.deflate_level,
                                   settings_.deflate_mem_level);
    // As in ws: with context takeover small messages are worth compressing too.
    if (!negotiated.client_no_context_takeover) settings_.deflate_threshold = 0;
  }
  ReaderOptions reading;
  reading.inflater = inflater_.get();
  reading.max_message = settings_.max_message;
  reading.max_text = settings_.max_text;
  reading.max_fragments = settings_.max_fragments;
  reading.check_utf8 = settings_.check_utf8;
  reader_ = std::make_unique<FrameReader>(static_cast<MessageSink&>(*this), reading);
  unread_ = upgrade_->take_early_data();

  if (!service_.host().hand_over(wsi, this)) on_end_of_stream("epoll_ctl " + errno_name(errno));
  service_.settle_later(*this);  // dismisses the upgrade
  // What has come behind the response the loop will tell, but for what OpenSSL has read already.
  readable_ = ssl_ != nullptr;
  if (const auto waiting = std::move(waiting_raw_)) frame_raw(*waiting);
  if (settings_.heartbeat_interval.count() > 0) schedule_heartbeat(settings_.heartbeat_interval);
  service_.schedule(*this);
}

// ---- Down

void Connection::fail(const char* code, const char* reason, std::string detail) {
  ConnectionFailure failure;
  failure.code = code;
  failure.reason = reason;
  failure.detail = std::move(detail);
  fail(std::move(failure));
}

void Connection::fail(ConnectionFailure failure) {
  if (phase_ == Phase::kDead || phase_ == Phase::kOpen || failure_) return;
  log_failure(failure);
  failure_ = std::make_unique<ConnectionFailure>(std::move(failure));
  service_.settle_later(*this);
}

void Connection::close(uint16_t code, const std::string& reason) {
  if (phase_ != Phase::kOpen) {
    given_up_ = true;
    fail("ERR_CONNECTION_ABORTED", "closed before the connection was established",
         "the connection was closed before it was established");
    return;
  }
  if (close_sent_ || ended_) return;
  log(kLogUser, "close: ", std::to_string(code) + (reason.empty() ? "" : " " + reason));
  our_code_ = code;
  if (!reason.empty()) ending().our_reason = reason;
  cancel_timer(close_timer_);  // it waited for this
  send_close_frame();
  service_.schedule(*this);
}

void Connection::terminate() {
  if (phase_ != Phase::kOpen) {
    close(0, {});
    return;
  }
  if (ended_) return;
  log(kLogUser, "terminate", "");
  terminated_ = true;
  killed_ = true;
  ended_ = true;
  service_.settle_later(*this);
}

void Connection::begin_close_wait() {
  if (close_timer_ || ended_ || settings_.close_timeout.count() == 0) return;
  close_timer_ = service_.loop().after(settings_.close_timeout, [this] {
    close_timer_ = 0;
    if (close_sent_) {
      on_end_of_stream("the peer did not close the connection in time");
    } else {
      answer_close();
    }
  });
}

// JavaScript has not done it in time.
void Connection::answer_close() {
  if (broken_) {
    close(our_code_, {});
  } else {
    close(peer_code_ == kCloseNoStatus ? 0 : peer_code_, std::string(ending().peer_reason));
  }
}

// As with the peer's Close frame (on_close), JavaScript sends ours when it has heard of this: what it sends in answer
// to what came before goes out first. If it does not get there, the timer does.
void Connection::protocol_error() {
  const auto& failure = reader_->failure();
  broken_ = true;
  log(kLogWarning, "protocol error: ", std::string(failure.code) + ", " + failure.message);
  unread_.clear();
  FailureValue value;
  value.failure.code = failure.code;
  value.failure.reason = failure.message;
  value.failure.detail = failure.message;
  value.failure.close_code = failure.close_code;
  service_.inbox().add_value(id_, Kind::kProtocolError, std::move(value));
  if (!close_sent_) our_code_ = failure.close_code;
  begin_close_wait();
}

void Connection::on_end_of_stream(std::string detail) {
  if (ending().detail.empty()) ending().detail = std::move(detail);
  if (ended_) return;
  ended_ = true;
  service_.settle_later(*this);
}

// Outside the engine, at the end of a turn.
void Connection::settle() {
  if (phase_ == Phase::kDead) return;
  if (phase_ == Phase::kOpen && upgrade_) dismiss_upgrade();
  if (failure_) {
    FailureValue value;
    if (upgrade_) value.response = upgrade_->take_response();
    value.failure = std::move(*failure_);
    release_engine();
    const Kind kind =
        value.failure.code == "ERR_REDIRECT" ? Kind::kRedirect : Kind::kConnectionError;
    service_.inbox().add_value(id_, kind, std::move(value));
  } else if (ended_) {
    read_the_rest();
    const bool clean = close_received_ && close_flushed_ && !broken_;
    ClosedValue value;
    if (close_received_) value.reason = std::move(ending().peer_reason);
    value.clean = clean;
    value.detail = std::move(ending().detail);
    // What the program has cut off itself is no reason to warn it.
    if (!clean && !broken_ && !terminated_) {
      log(kLogWarning, "closed abnormally: ", value.detail);
    } else {
      log(kLogClient, "closed ", clean ? "cleanly" : "abnormally");
    }
    const int32_t code = close_received_ ? peer_code_ : static_cast<uint16_t>(kCloseAbnormal);
    release_engine();
    service_.inbox().add_value(id_, Kind::kClosed, std::move(value), code, true);
  } else {
    return;
  }
  phase_ = Phase::kDead;
  progress_.ended.store(true);
  service_.forget(*this);
}

// An established connection needs none of what brought it up; ten thousand of them notice.
void Connection::dismiss_upgrade() {
  wsi_ = upgrade_->wsi();
  verdict_ = upgrade_->dismiss();
  upgrade_.reset();
  ends_.reset();
  setup_.reset();
}

void Connection::release_engine() {
  cancel_timer(handshake_timer_);
  cancel_timer(close_timer_);
  cancel_timer(heartbeat_timer_);
  cancel_timer(starved_out_.timer);
  cancel_timer(starved_in_.timer);
  connector_.reset();
  if (upgrade_) wsi_ = upgrade_->wsi();
  if (wsi_) {
    // Not a reset unless asked for: what we have written must still arrive.
    if (ssl_ && !killed_ && !half_closed_) half_close();
    service_.host().kill(std::exchange(wsi_, nullptr));
  }
  upgrade_.reset();
  verdict_.reset();
  fd_ = -1;
  ssl_ = nullptr;
  stats_ = stats();  // what the reader has counted stays
  reader_.reset();
  inflater_.reset();
  deflater_.reset();
  wire_.clear();
  waiting_raw_.reset();
}

void Connection::abandon() {
  killed_ = true;
  release_engine();
  phase_ = Phase::kDead;
}

}  // namespace vws
