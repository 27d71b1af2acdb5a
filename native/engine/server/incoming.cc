#include "engine/server/incoming.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/log.h"
#include "engine/net/io_errors.h"
#include "engine/os/socket.h"
#include "engine/own_socket.h"
#include "engine/server/listener.h"
#include "engine/server/proxy_header.h"
#include "engine/service.h"
#include "engine/tls/failure.h"
#include "engine/tls/tls_io.h"

namespace vws {

namespace {

// After an answer we wait for the peer's end, so that it gets to read the answer: what still comes would else reset
// the connection.
constexpr Milliseconds kLingerTime{1000};

// What a TLS handshake costs, in bytes copied: a thread which makes many keeps at it.
constexpr uint64_t kTlsHandshakeWork = 4 * 1024 * 1024;
constexpr uint64_t kRequestWork = 32 * 1024;

}  // namespace

Incoming::Incoming(Listener& listener, UniqueFd socket, const Address& peer,
                   std::shared_ptr<const ServerTls> tls, std::shared_ptr<Admission> admission)
    : listener_(listener),
      admission_(std::move(admission)),
      socket_(std::move(socket)),
      peer_(peer),
      tls_(std::move(tls)),
      head_(listener.limits().head),
      step_(listener.proxies().sends_header(peer) ? Step::kProxyHeader
            : tls_                                ? Step::kTls
                                                  : Step::kHead) {}

Incoming::~Incoming() {
  EventLoop& loop = listener_.service().loop();
  loop.cancel(timer_);
  loop.cancel(rest_timer_);
  if (socket_) loop.unwatch(socket_.get());
}

void Incoming::start() {
  if (step_ == Step::kTls && !begin_tls()) return;
  const Milliseconds timeout = listener_.limits().handshake_timeout;
  if (timeout.count() > 0) {
    timer_ = listener_.service().loop().after(timeout, [this] {
      timer_ = 0;
      if (step_ != Step::kLingering) ++listener_.counters().timeouts;
      // Node's answer. During TLS there is none to be given.
      if (step_ == Step::kHead) {
        answer(408, "Request Timeout", "", "");
        go_on();
      } else {
        finish();
      }
    });
  }
  if (!listener_.service().loop().watch(socket_.get(), kReadable | kEdge, this)) {
    finish();
    return;
  }
  // Most requests come with the connection.
  go_on();
}

bool Incoming::watch(bool also_for_writing) {
  if (watches_writable_ == also_for_writing) return true;
  watches_writable_ = also_for_writing;
  const uint32_t interest = kReadable | kEdge | (also_for_writing ? kWritable : 0u);
  return listener_.service().loop().watch(socket_.get(), interest, this) || finish();
}

// The system has no memory for the socket, and nothing tells when that has passed.
bool Incoming::rest() {
  if (rest_timer_ != 0) return true;
  const auto delay = shortage_.next_try();
  if (!delay) return finish();
  rest_timer_ = listener_.service().loop().after(*delay, [this] {
    rest_timer_ = 0;
    go_on();
  });
  return true;
}

bool Incoming::finish() {
  listener_.finished(*this);
  return false;
}

void Incoming::on_ready(int, uint32_t) { go_on(); }

bool Incoming::go_on() {
  if (step_ == Step::kProxyHeader && !read_proxy_header()) return false;
  if (step_ == Step::kTls && !shake_hands()) return false;
  if (step_ == Step::kHead && !read_head()) return false;
  if (step_ == Step::kAnswering && !go_on_answering()) return false;
  return step_ != Step::kLingering || linger_on();
}

// What follows the header is TLS's: so bytes are looked at, and taken from the socket when it is known that they are
// the header's.
bool Incoming::read_proxy_header() {
  uint8_t* const buffer = listener_.service().receive_buffer();
  ProxyHeader header;
  while (header.state == ProxyHeader::State::kMore) {
    const size_t before = proxy_header_.size();
    std::copy(proxy_header_.begin(), proxy_header_.end(), buffer);
    ssize_t got;
    do {
      got = os::peek(socket_.get(), buffer + before, kMaxProxyHeader - before);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && is_blocked(errno)) return true;
    if (got < 0 && is_starved(errno)) return rest();
    if (got <= 0) return finish();
    const size_t seen = before + static_cast<size_t>(got);
    header = parse_proxy_header(buffer, seen);
    if (header.state == ProxyHeader::State::kBad) {
      ++listener_.counters().proxy_failures;
      if (Log::enabled(kLogWarning)) {
        Log::write(kLogWarning, "listener " + std::to_string(listener_.id()) +
                                    ": PROXY header of " + peer_.text() +
                                    " refused: " + header.problem);
      }
      return finish();
    }
    const size_t known = header.state == ProxyHeader::State::kDone ? header.size : seen;
    do {
      got = os::receive(socket_.get(), buffer + before, known - before);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && is_starved(errno)) return rest();
    if (got != static_cast<ssize_t>(known - before)) return finish();
    proxy_header_.assign(buffer, buffer + known);
  }
  std::vector<uint8_t>().swap(proxy_header_);
  shortage_.pass();
  if (header.proxied) {
    peer_ = header.source;
    local_ = header.destination;
  }
  const bool speaks_for_itself = !listener_.proxies().trusted.networks.contains(peer_);
  if (speaks_for_itself &&
      !admission_->belongs_to(peer_, listener_.limits(), listener_.counters())) {
    return finish();
  }
  step_ = tls_ ? Step::kTls : Step::kHead;
  return !tls_ || begin_tls();
}

bool Incoming::begin_tls() {
  ssl_ = tls_->accept(socket_.get());
  if (!ssl_) return finish();
  tls_use_socket(ssl_.get());
  return true;
}

// True also if it has to wait.
bool Incoming::shake_hands() {
  ERR_clear_error();
  tls_forget_shortage(ssl_.get());
  const int result = SSL_do_handshake(ssl_.get());
  const TlsStatus status = tls_status(ssl_.get(), result);
  if (tls_shortage(ssl_.get()) == 0) {
    shortage_.pass();
  } else if (status == TlsStatus::kWantRead || status == TlsStatus::kWantWrite) {
    return rest();
  }
  switch (status) {
    case TlsStatus::kOk:
      step_ = Step::kHead;
      if (!watch(false)) return false;
      listener_.service().note_work(kTlsHandshakeWork);
      tls_begin_bulk(ssl_.get());
      return true;
    case TlsStatus::kWantRead:
      return watch(false);
    case TlsStatus::kWantWrite:
      return watch(true);
    default:
      break;
  }
  ++listener_.counters().tls_failures;
  if (Log::enabled(kLogWarning)) {
    const TlsFailure failure = describe_io_failure(ssl_.get());
    Log::write(kLogWarning, "listener " + std::to_string(listener_.id()) + ": TLS with " +
                                peer_.text() + " failed: " + failure.code + ", " + failure.detail);
  }
  ERR_clear_error();
  return finish();
}

bool Incoming::read_head() {
  Service& service = listener_.service();
  for (;;) {
    uint8_t* const buffer = service.receive_buffer();
    iovec room{buffer, Service::kReceiveSize};
    const Transfer piece = read_socket(socket_.get(), ssl_.get(), &room, 1, true);
    if (piece.starved && piece.bytes == 0) return rest();
    shortage_.pass();
    if (piece.bytes == 0) return piece.ended ? finish() : true;
    service.note_work(piece.bytes);
    size_t used = 0;
    switch (head_.feed(buffer, piece.bytes, &used)) {
      case RequestHead::State::kMore:
        if (piece.ended) return finish();
        continue;
      case RequestHead::State::kDone:
        // What the client has ended with is read, and its end noticed, by whoever goes on with the connection.
        if (head_.asks_for_upgrade()) {
          if (!admit_client()) return answer(429, "Too Many Requests", "", "");
          hand_over(std::vector<uint8_t>(buffer + used, buffer + piece.bytes));
          return false;
        }
        ++listener_.counters().not_upgrades;
        return answer(426, "Upgrade Required", "Upgrade: websocket\r\n", "Upgrade Required");
      case RequestHead::State::kBad:
        count_bad_head();
        if (Log::enabled(kLogWarning)) {
          Log::write(kLogWarning, "listener " + std::to_string(listener_.id()) + ": request of " +
                                      peer_.text() + " refused: " + head_.problem());
        }
        return head_.status() == 431 ? answer(431, "Request Header Fields Too Large", "", "")
                                     : answer(400, "Bad Request", "", "");
    }
  }
}

void Incoming::count_bad_head() {
  ListenerStats& stats = listener_.counters();
  if (head_.status() != 431) {
    ++stats.malformed;
  } else if (head_.has_too_many_headers()) {
    ++stats.over_headers_count;
  } else {
    ++stats.over_header_size;
  }
}

// As Node's http server answers what it cannot give to anybody.
bool Incoming::answer(int status, const char* text, const std::string& more_headers,
                      const std::string& body) {
  std::string response = "HTTP/1.1 " + std::to_string(status) + " " + text + "\r\n";
  response += "Connection: close\r\n" + more_headers;
  if (!body.empty()) {
    response +=
        "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  response += "\r\n" + body;
  answer_ = std::move(response);
  step_ = Step::kAnswering;
  EventLoop& loop = listener_.service().loop();
  loop.cancel(timer_);
  timer_ = loop.after(kLingerTime, [this] {
    timer_ = 0;
    finish();
  });
  return true;
}

bool Incoming::go_on_answering() {
  while (!answer_.empty()) {
    const iovec piece{&answer_[0], answer_.size()};
    const Transfer sent = write_socket(socket_.get(), ssl_.get(), &piece, 1);
    answer_.erase(0, sent.bytes);
    if (sent.ended) return finish();
    if (sent.starved) return rest();
    shortage_.pass();
    if (sent.drained) return watch(true);
  }
  if (ssl_) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  os::end_sending(socket_.get());
  step_ = Step::kLingering;
  return true;
}

bool Incoming::linger_on() {
  uint8_t* const buffer = listener_.service().receive_buffer();
  while (discarded_ < Service::kMostDiscarded) {
    const ssize_t got = os::receive(socket_.get(), buffer, Service::kReceiveSize);
    if (got < 0 && is_blocked(errno)) return true;
    if (got < 0 && is_starved(errno)) return rest();
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    discarded_ += static_cast<size_t>(got);
  }
  return finish();
}

// What a proxy asks for others. Without a header it asks for itself.
bool Incoming::admit_client() {
  const TrustedProxies& trusted = listener_.proxies().trusted;
  if (listener_.limits().connections_per_address == 0 || !trusted.networks.contains(peer_)) {
    return true;
  }
  const Address client =
      client_address(trusted, peer_, header_value(head_.headers(), trusted.header_name()));
  return admission_->belongs_to(client, listener_.limits(), listener_.counters());
}

void Incoming::hand_over(std::vector<uint8_t> early) {
  Service& service = listener_.service();
  service.note_work(kRequestWork);
  RequestValue request;
  request.listener = listener_.id();
  request.method = head_.method();
  request.target = head_.target();
  request.headers = head_.headers();
  request.minor_version = head_.minor_version();
  const Address local = local_.empty() ? Address::local_of(socket_.get()) : local_;
  static_cast<Endpoints&>(request) = endpoints_of(peer_, local);
  if (ssl_) request.tls = std::make_unique<ClientInfo>(ServerTls::client_info(ssl_.get()));
  service.loop().hand_on(socket_.get());
  auto transport = std::make_shared<OwnSocket>(service.loop(), std::move(socket_), std::move(ssl_),
                                               std::move(admission_));
  service.accepted(std::move(transport), std::move(early), std::move(request));
  finish();
}

}  // namespace vws
