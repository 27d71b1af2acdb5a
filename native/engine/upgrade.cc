#include "engine/upgrade.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "engine/base/letter_case.h"
#include "engine/lws_compat.h"
#include "engine/lws_host.h"
#include "engine/net/io_errors.h"
#include "engine/os/error_names.h"
#include "engine/os/socket.h"
#include "engine/tls/failure.h"
#include "engine/tls/tls_io.h"

namespace vws {

namespace {

using compat::kCapableError;
using compat::kCapableMoreService;

// Sec-WebSocket-Extensions of a response, at most.
constexpr size_t kMaxExtensionList = 4096;
// What a wsi has for a user when its upgrade is gone.
char dismissed_mark;

int ssl_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool names_same_header(const std::string& line, const std::string& other) {
  const size_t colon = line.find(':');
  if (colon == std::string::npos || other.size() <= colon || other[colon] != ':') return false;
  for (size_t i = 0; i < colon; ++i) {
    if (std::tolower(static_cast<unsigned char>(line[i])) !=
        std::tolower(static_cast<unsigned char>(other[i]))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Upgrade::Upgrade(UpgradeRequest request, UpgradeListener* listener)
    : request_(std::move(request)),
      listener_(listener),
      verdict_(request_.secure ? std::make_unique<TlsVerdict>() : nullptr) {}

Upgrade::~Upgrade() = default;

Upgrade* Upgrade::of(const ssl_st* ssl) {
  return static_cast<Upgrade*>(SSL_get_ex_data(ssl, ssl_index()));
}

Upgrade* Upgrade::of(lws* wsi) {
  void* user = lws_wsi_user(wsi);
  return user == &dismissed_mark ? nullptr : static_cast<Upgrade*>(user);
}

bool Upgrade::dismissed(lws* wsi) { return lws_wsi_user(wsi) == &dismissed_mark; }

std::unique_ptr<TlsVerdict> Upgrade::dismiss() {
  lws_set_wsi_user(wsi_, &dismissed_mark);
  if (request_.secure) SSL_set_ex_data(static_cast<SSL*>(lws_get_ssl(wsi_)), ssl_index(), nullptr);
  return std::move(verdict_);
}

// ---- TLS

int Upgrade::apply_tls(ssl_st* ssl) {
  SSL_set_ex_data(ssl, ssl_index(), this);
  tls_use_socket(ssl);
  TlsPeer peer;
  peer.host = request_.host;
  peer.servername = request_.servername;
  peer.session_key = request_.session_key;
  if (const auto failure = request_.tls->apply(ssl, peer, *verdict_)) {
    fail(failure->code.c_str(), "lws_ssl_client_connect1 failed", failure->detail);
    return -1;
  }
  return 0;
}

void Upgrade::note_not_watched(int error) {
  fail(errno_name(error).c_str(), "insert wsi failed",
       std::string(Poller::kWatchCall) + ' ' + errno_text(error));
}

bool Upgrade::certificate_settled(ssl_st*) {
  if (!request_.verify_in_js || judgement_ == Judgement::kAccepted) return true;
  if (judgement_ == Judgement::kNone) {
    judgement_ = Judgement::kAsked;
    listener_->on_certificate();
  }
  return false;
}

void Upgrade::judge(const std::string& error) {
  if (judgement_ != Judgement::kAsked) return;
  if (error.empty()) {
    judgement_ = Judgement::kAccepted;
    return;
  }
  judgement_ = Judgement::kRefused;
  fail("ERR_TLS_CERT_REFUSED", "lws_ssl_client_connect2 failed", error);
}

void Upgrade::note_tls_failure(ssl_st* ssl) {
  const TlsFailure failure = describe_handshake_failure(ssl, *verdict_);
  // The engine's first step starts the handshake and its second waits for it; which of them notices a
  // failure depends on what has arrived by then. Ours is told by what failed: the peer's certificate
  // is judged at the end, everything else counts as a connection that did not come about.
  fail(failure.code.c_str(),
       verdict_->refused() ? "lws_ssl_client_connect2 failed" : "lws_ssl_client_connect1 failed",
       failure.detail);
  // 2.4 empties OpenSSL's queue for its log, then finds it empty and waits for ever.
  if (!compat::kVersion4) engine_failed("");
}

bool Upgrade::rest(Shortage& direction) {
  const auto delay = direction.next_try(request_.starved_limit);
  if (delay) host().rest(*this, *delay);
  return delay.has_value();
}

void Upgrade::note_tls_starved(int error) {
  fail(errno_name(error).c_str(), "lws_ssl_client_connect1 failed", errno_text(error));
  if (!compat::kVersion4) engine_failed("");  // as above
}

LwsHost& Upgrade::host() const {
  return *static_cast<LwsHost*>(lws_context_user(lws_get_context(wsi_)));
}

// ---- The request

std::string Upgrade::compose_request(const std::string& from_engine) const {
  std::string request =
      "GET " + request_.path + " HTTP/1.1\r\nHost: " + request_.host_header + "\r\n";
  std::string line;
  size_t position = 0;
  next_header_line(from_engine, position, line);  // the stand-in's request line
  while (next_header_line(from_engine, position, line) && !line.empty()) {
    if (header_named(line, "host")) continue;
    const auto overrides = [&line](const std::string& own) { return names_same_header(line, own); };
    if (std::any_of(request_.headers.begin(), request_.headers.end(), overrides)) continue;
    request += line + "\r\n";
  }
  if (!request_.protocols.empty()) {
    request += "Sec-WebSocket-Protocol: ";
    for (size_t i = 0; i < request_.protocols.size(); ++i) {
      request += (i ? "," : "") + request_.protocols[i];
    }
    request += "\r\n";
  }
  if (request_.offers_deflate) {
    request += "Sec-WebSocket-Extensions: " + build_deflate_offer(request_.deflate) + "\r\n";
  }
  for (const std::string& header : request_.headers) request += header + "\r\n";
  return request + "\r\n";
}

int Upgrade::write(const uint8_t* data, int size) {
  // Told when the engine has returned (LwsHost::start): it uses the wsi after a write has failed and freed it.
  if (failed_ || refused()) return size;
  request_taken_ = true;
  request_left_ =
      compose_request(std::string(reinterpret_cast<const char*>(data), static_cast<size_t>(size)));
  if (!write_rest()) host().write_later(*this);
  // What is left goes out as the socket takes it (LwsHost::on_ready); the engine has no way to send the
  // rest of a request, and is told that there is none.
  return size;
}

bool Upgrade::write_rest() {
  while (!request_left_.empty()) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(request_left_.data());
    if (auto* ssl = static_cast<SSL*>(lws_get_ssl(wsi_))) {
      const IoResult result = tls_write(ssl, bytes, request_left_.size());
      request_left_.erase(0, result.bytes);
      if (result.starved) return rest_or_stop_writing(result.starved);
      if (result.state == IoResult::kWantRead || result.state == IoResult::kWantWrite) return false;
      if (result.state != IoResult::kOk) return stop_writing(result.failure.code);
      continue;
    }
    const ssize_t sent = os::send(lws_get_socket_fd(wsi_), bytes, request_left_.size());
    if (sent >= 0) {
      request_left_.erase(0, static_cast<size_t>(sent));
    } else if (is_blocked(errno)) {
      return false;
    } else if (is_starved(errno)) {
      return rest_or_stop_writing(errno);
    } else if (errno != EINTR) {
      return stop_writing(errno_name(errno));
    }
  }
  request_left_.shrink_to_fit();
  starved_out_.pass();
  return true;
}

bool Upgrade::rest_or_stop_writing(int error) {
  return !rest(starved_out_) && stop_writing(errno_name(error));
}

// A server that takes no more has perhaps said why: the reading tells, or finds nothing (receive()).
bool Upgrade::stop_writing(const std::string& error) {
  request_left_.clear();
  write_error_ = error;
  return true;
}

void Upgrade::fail_writing() {
  fail(write_error_.c_str(), "write failed", "write " + write_error_);
}

// ---- The response

int Upgrade::read(uint8_t* buffer, int size) {
  if (step_ == Step::kRefused) return kCapableMoreService;
  if (step_ == Step::kReceiving) {
    const int result = receive();
    if (result <= 0) return result;
  }
  if (step_ == Step::kFailed || failed_) return kCapableError;
  return serve(buffer, size);
}

// What a read during the handshake came to. The engine's own function says the same of an error and of
// an end.
Upgrade::Read Upgrade::read_socket(uint8_t* bytes, size_t size) {
  Read read;
  if (auto* ssl = static_cast<SSL*>(lws_get_ssl(wsi_))) {
    const IoResult result = tls_read(ssl, bytes, size);
    read.bytes = result.bytes;
    read.starved = result.starved;
    read.ended = result.state == IoResult::kClosed || result.state == IoResult::kEof;
    if (result.state == IoResult::kError) {
      // A server that does not like our certificate says so after the handshake, under TLS 1.3.
      if (result.failure.from_peer) read.alert = result.failure.code;
      read.error = result.failure.code + ": " + result.failure.detail;
    }
    return read;
  }
  ssize_t got;
  do {
    got = os::receive(lws_get_socket_fd(wsi_), bytes, size);
  } while (got < 0 && errno == EINTR);
  if (got > 0) read.bytes = static_cast<size_t>(got);
  read.ended = got == 0;
  if (got < 0 && is_starved(errno)) {
    read.starved = errno;
  } else if (got < 0 && !is_blocked(errno)) {
    read.error = "read " + errno_name(errno);
  }
  return read;
}

// 1: the header is complete and may be served; else what the engine is to be told.
int Upgrade::receive() {
  uint8_t bytes[4096];
  for (;;) {
    Read read = read_socket(bytes, sizeof bytes);
    if (!read.starved) {
      starved_in_.pass();
    } else if (read.bytes == 0) {
      if (rest(starved_in_)) return kCapableMoreService;
      read.error = "read " + errno_name(read.starved);
    }
    if (read.bytes == 0) {
      const bool nothing = !read.ended && read.error.empty();
      if (nothing && !write_failed()) return kCapableMoreService;
      step_ = Step::kFailed;
      if (nothing) {
        fail_writing();
        return kCapableError;
      }
      if (read.ended) {
        fail("ERR_PEER_HUNG_UP", "Peer hung up",
             "the server closed the connection during the handshake");
      } else if (!read.alert.empty()) {
        fail(read.alert.c_str(), "read failed", read.error);
      } else {
        fail("ERR_HANDSHAKE_READ", "read failed", read.error);
      }
      return kCapableError;
    }
    const auto* text = reinterpret_cast<const char*>(bytes);
    size_t used = 0;
    const HttpResponseHead::State state = head_.feed(text, read.bytes, &used);
    if (state == HttpResponseHead::State::kMore) continue;
    step_ = Step::kFailed;
    if (state == HttpResponseHead::State::kBad) {
      malformed();
      return kCapableError;
    }
    if (!take_header(std::string(text + used, read.bytes - used))) return kCapableError;
    if (response_.status != 101) {
      refuse();
      return kCapableMoreService;
    }
    step_ = Step::kServing;
    return 1;
  }
}

void Upgrade::malformed() {
  const std::string detail = "the response " + head_.problem();
  switch (head_.fault()) {
    case HttpResponseHead::Fault::kTooLong:
      fail("ERR_HEADER_OVERFLOW", "HS: OOM", detail);
      return;
    case HttpResponseHead::Fault::kField:
      response_.status = head_.status();
      response_.status_text = head_.status_text();
      fail("ERR_RESPONSE_REFUSED", "HS: Rejected by filter cb", detail);
      return;
    default:
      fail("ERR_INVALID_RESPONSE", "HS: URI missing", detail);
  }
}

int Upgrade::serve(uint8_t* buffer, int size) {
  const size_t left = serving_.size() - served_;
  if (left == 0) return kCapableMoreService;
  const size_t now = std::min(left, static_cast<size_t>(size));
  memcpy(buffer, serving_.data() + served_, now);
  served_ += now;
  return static_cast<int>(now);
}

// rest: what has come behind it.
bool Upgrade::take_header(const std::string& rest) {
  response_.status = head_.status();
  response_.status_text = head_.status_text();
  response_.headers = head_.fields();
  if (response_.status != 101) {
    response_.body = rest;
    return true;
  }
  if (!request_left_.empty()) {
    return fail("ERR_RESPONSE_REFUSED", "HS: Rejected by filter cb",
                "the server accepts before it has read the request");
  }
  early_data_.assign(rest.begin(), rest.end());
  if (!check_upgrade() || !check_protocol() || !check_extensions()) return false;
  compose_for_engine();
  return true;
}

// Another status than 101. The engine would close the connection, and the body with it: it does not get to see this,
// and waits until it is told to end.
void Upgrade::refuse() {
  step_ = Step::kRefused;
  done_ = true;
  const int status = response_.status;
  const bool redirect =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  ConnectionFailure failure;
  failure.code = "ERR_HTTP_STATUS";
  failure.reason = "HS: ws upgrade response not 101";
  failure.detail = "the server answered " + std::to_string(status);
  if (!response_.status_text.empty()) failure.detail += " " + response_.status_text;
  if (redirect) {
    failure.location = response_.find("location");
    const bool somewhere = !failure.location.empty();
    failure.code = somewhere ? "ERR_REDIRECT" : "ERR_REDIRECT_NO_LOCATION";
    failure.reason = somewhere ? "HS: Redirect failed" : "HS: Redirect code but no Location";
    failure.detail = somewhere ? "redirected to " + failure.location
                               : "status " + std::to_string(status) + " without a Location header";
  }
  listener_->on_refused(std::move(failure));
}

// The engine's own checks, in its order, without what sets its versions apart: 4.1 takes any beginning of
// "upgrade" for it, 2.4 no list, and neither is told a missing Connection header from a wrong one.
bool Upgrade::check_upgrade() {
  if (response_.find("sec-websocket-accept").empty()) {
    return fail("ERR_ACCEPT_MISSING", "HS: ACCEPT missing", "no Sec-WebSocket-Accept header");
  }
  const std::vector<std::string> upgrade = response_.all("upgrade");
  if (upgrade.empty())
    return fail("ERR_UPGRADE_MISSING", "HS: UPGRADE missing", "no Upgrade header");
  if (upgrade.size() > 1 || !same_ignoring_case(upgrade.front(), "websocket")) {
    return fail("ERR_UPGRADE_NOT_WEBSOCKET", "HS: Upgrade to something other than websocket",
                "Upgrade: " + response_.join("upgrade"));
  }
  if (response_.all("connection").empty()) {
    return fail("ERR_CONNECTION_HEADER_MISSING", "HS: CONNECTION missing", "no Connection header");
  }
  if (!has_token(response_.join("connection"), "upgrade")) {
    return fail("ERR_CONNECTION_HEADER_INVALID", "HS: UPGRADE malformed",
                "Connection: " + response_.join("connection"));
  }
  return true;
}

// Subprotocols are checked here: 2.4 knows only those in its context's table.
bool Upgrade::check_protocol() {
  const std::vector<std::string> sent = response_.all("sec-websocket-protocol");
  if (sent.empty()) {
    // As browsers and ws: who offers subprotocols needs one (the standard, "establish a WebSocket
    // connection").
    if (request_.protocols.empty()) return true;
    return fail("ERR_PROTOCOL_MISSING", "HS: Cannot match protocol",
                "the server chose none of the subprotocols");
  }
  const auto& offered = request_.protocols;
  if (sent.size() > 1 || std::find(offered.begin(), offered.end(), sent.front()) == offered.end()) {
    return fail("ERR_PROTOCOL_INVALID", "HS: PROTOCOL malformed",
                "the server chose a subprotocol that was not offered: " +
                    response_.join("sec-websocket-protocol"));
  }
  protocol_ = sent.front();
  return true;
}

bool Upgrade::check_extensions() {
  extensions_ = response_.join("sec-websocket-extensions");
  if (extensions_.size() > kMaxExtensionList) {
    return fail("ERR_EXTENSION_INVALID", "HS: EXT: list too big",
                "Sec-WebSocket-Extensions is longer than 4096 bytes");
  }
  ExtensionError error;
  const DeflateOffer* offer = request_.offers_deflate ? &request_.deflate : nullptr;
  if (parse_extension_response(extensions_, offer, &negotiated_, &error)) return true;
  // The engine would let some of it through, and does not tell the rest apart.
  const std::string code = error.code;
  const bool unknown = code == "ERR_WS_EXTENSION_UNEXPECTED";
  const bool unparsable = code == "ERR_WS_EXTENSION_SYNTAX" ||
                          code == "ERR_WS_EXTENSION_PARAMETER_UNKNOWN" ||
                          code == "ERR_WS_EXTENSION_PARAMETER_DUPLICATE" ||
                          (code == "ERR_WS_EXTENSION_PARAMETER_VALUE" && !error.out_of_range);
  return fail(error.code,
              unknown      ? "HS: EXT: unknown ext"
              : unparsable ? "HS: EXT: failed parsing options"
                           : "HS: EXT: Rejects server options",
              error.message);
}

// The header as the engine gets it: what it looks at, in the one form that every version accepts.
void Upgrade::compose_for_engine() {
  serving_ = "HTTP/1.1 101 " + response_.status_text + "\r\n" +
             "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: " +
             response_.join("sec-websocket-accept") + "\r\n";
  if (negotiated_.on) serving_ += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  serving_ += "\r\n";
}

// ---- The end

bool Upgrade::fail(const char* code, const char* reason, std::string detail) {
  if (!failed_) {
    failed_ = true;
    failure_.code = code;
    failure_.reason = reason;
    failure_.detail = std::move(detail);
  }
  return false;
}

void Upgrade::engine_established() {
  if (done_) return;
  done_ = true;
  serving_.clear();
  serving_.shrink_to_fit();
  listener_->on_established();
}

void Upgrade::engine_failed(const char* words) {
  if (done_) return;
  done_ = true;
  if (!failed_) {
    failure_.reason = words;
    if (failure_.code.empty()) failure_.code = "ENGINE";
    if (failure_.detail.empty()) failure_.detail = words;
  } else if (*words && failure_.detail != words) {
    failure_.engine_words = words;
  }
  listener_->on_upgrade_failed(std::move(failure_));
}

}  // namespace vws
