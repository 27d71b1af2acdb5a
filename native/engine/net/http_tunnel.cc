#include "engine/net/http_tunnel.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/letter_case.h"
#include "engine/net/connect_error.h"

namespace vws {

namespace {

// The step in which an answer is looked at. What belongs to the tunnel stays in the socket.
constexpr size_t kPeekSize = 2048;

std::string base64(const std::string& bytes) {
  static const char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < left ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += j <= left ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

// Whether a host can stand in a request line: nothing that could end it, or mean something else.
bool is_plain_host(const std::string& host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char byte) {
    return byte > ' ' && byte <= '~' && !std::strchr("/?#@\\[]<>\"", byte);
  });
}

// "Name: value", in one line.
bool is_header_line(const std::string& line) {
  const size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0) return false;
  const auto is_token = [](char byte) {
    return byte > ' ' && byte <= '~' && !std::strchr("\"(),/:;<=>?@[\\]{}", byte);
  };
  const auto is_field = [](char byte) {
    return byte == '\t' || (static_cast<uint8_t>(byte) >= ' ' && byte != 0x7f);
  };
  const auto split = line.begin() + static_cast<std::ptrdiff_t>(colon);
  return std::all_of(line.begin(), split, is_token) && std::all_of(split, line.end(), is_field);
}

bool has_header(const std::vector<std::string>& lines, const std::string& name) {
  return std::any_of(lines.begin(), lines.end(), [&name](const std::string& line) {
    return line.size() > name.size() && line[name.size()] == ':' &&
           same_ignoring_case(std::string_view(line).substr(0, name.size()), name);
  });
}

}  // namespace

HttpTunnel::HttpTunnel(const ProxyOptions& proxy, const std::string& target, uint16_t port)
    : TunnelBase("HTTP proxy", proxy, authority_of(target, port)) {
  if (!is_plain_host(target)) {
    problem_ = "the host cannot be named in a request: " + printable(target);
    return;
  }
  std::string request = "CONNECT " + this->target() + " HTTP/1.1\r\n";
  if (!has_header(proxy.headers, "Host")) request += "Host: " + this->target() + "\r\n";
  authorized_ = has_header(proxy.headers, "Proxy-Authorization");
  if (proxy.auth && !authorized_) {
    // A user name alone has an empty password.
    const bool whole = proxy.auth->find(':') != std::string::npos;
    request +=
        "Proxy-Authorization: Basic " + base64(whole ? *proxy.auth : *proxy.auth + ':') + "\r\n";
    authorized_ = true;
  }
  for (const std::string& line : proxy.headers) {
    if (!is_header_line(line)) {
      problem_ = "not a header line: " + printable(line);
      return;
    }
    request += line + "\r\n";
  }
  queue(request + "\r\n");
}

TunnelHandshake::Progress HttpTunnel::on_ready(int fd) {
  if (!problem_.empty()) return fail_options(problem_);
  switch (flush(fd)) {
    case Io::kBlocked:
      return Progress::kPending;
    case Io::kFailed:
      return Progress::kFailed;
    case Io::kDone:
      break;
  }
  return read_answer(fd);
}

TunnelHandshake::Progress HttpTunnel::read_answer(int fd) {
  char buffer[kPeekSize];
  for (;;) {
    while (understood_ > 0) {
      size_t count = 0;
      const Io io = receive(fd, buffer, understood_, &count);
      if (io == Io::kFailed) return Progress::kFailed;
      if (io == Io::kBlocked && rest()) return Progress::kPending;
      if (io == Io::kBlocked) return fail_lost(0);  // what was seen has vanished
      understood_ -= count;
    }
    if (state_ == HttpResponseHead::State::kBad)
      return fail_protocol("its answer " + head_.problem());
    if (state_ == HttpResponseHead::State::kDone) return judge();
    size_t seen = 0;
    const Io peeked = peek(fd, buffer, sizeof buffer, &seen);
    if (peeked != Io::kDone) {
      return peeked == Io::kBlocked ? Progress::kPending : Progress::kFailed;
    }
    state_ = head_.feed(buffer, seen, &understood_);
  }
}

TunnelHandshake::Progress HttpTunnel::judge() {
  const int status = head_.status();
  // Any 2xx makes the tunnel; lengths in its head mean nothing (RFC 9110 §9.3.6).
  if (status >= 200 && status < 300) return Progress::kDone;
  std::string words = "it answered " + std::to_string(status);
  if (!head_.status_text().empty()) words += ' ' + printable(head_.status_text());
  if (status != 407) {
    return fail(connect_code::kProxyRefused, connect_reason::kProxyStatus, words, "", status);
  }
  const std::string asked = head_.header("Proxy-Authenticate");
  if (!asked.empty()) words += " (" + printable(asked) + ')';
  words += authorized_ ? "; the credentials sent were not accepted" : "; no credentials were sent";
  return fail(connect_code::kProxyAuthRequired, connect_reason::kProxyStatus, words, "", status);
}

}  // namespace vws
