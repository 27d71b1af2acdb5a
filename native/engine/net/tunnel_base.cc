#include "engine/net/tunnel_base.h"

#include <cerrno>
#include <utility>

#include "engine/net/address.h"
#include "engine/net/connect_error.h"
#include "engine/net/io_errors.h"
#include "engine/os/error_names.h"

namespace vws {

namespace {
constexpr size_t kMaxQuoted = 200;  // bytes of a proxy's words that a message repeats
}  // namespace

TunnelBase::TunnelBase(const char* proxy_kind, const ProxyOptions& proxy, const std::string& target)
    : proxy_kind_(proxy_kind),
      target_(target),
      wants_(kWritable),
      starved_limit_(proxy.starved_limit) {}

void TunnelBase::queue(std::string bytes) {
  out_ = std::move(bytes);
  sent_ = 0;
}

TunnelBase::Io TunnelBase::flush(int fd) {
  while (sent_ < out_.size()) {
    const ssize_t count = os::send(fd, out_.data() + sent_, out_.size() - sent_);
    if (count >= 0) {
      sent_ += static_cast<size_t>(count);
      shortage_.pass();
    } else if (errno == EPIPE) {
      broken_ =
          true;  // the proxy has closed, but may have said why before: what it said is read next
      break;
    } else if (errno != EINTR) {
      return wait_or_fail(errno, kWritable);
    }
  }
  out_.clear();
  sent_ = 0;
  return Io::kDone;
}

TunnelBase::Io TunnelBase::receive(int fd, void* buffer, size_t size, size_t* got) {
  return read_by(os::receive, fd, buffer, size, got);
}

TunnelBase::Io TunnelBase::peek(int fd, void* buffer, size_t size, size_t* got) {
  return read_by(os::peek, fd, buffer, size, got);
}

TunnelBase::Io TunnelBase::read_by(ReadCall call, int fd, void* buffer, size_t size, size_t* got) {
  for (;;) {
    const ssize_t count = call(fd, buffer, size);
    if (count > 0) {
      *got = static_cast<size_t>(count);
      shortage_.pass();
      return Io::kDone;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && is_blocked(errno) && broken_) errno = EPIPE;  // it has said nothing
    return wait_or_fail(count < 0 ? errno : 0, kReadable);
  }
}

TunnelBase::Io TunnelBase::wait_or_fail(int error, uint32_t wants) {
  rest_.reset();
  if (is_blocked(error)) {
    wants_ = wants;
    return Io::kBlocked;
  }
  if (is_starved(error)) rest_ = shortage_.next_try(starved_limit_);
  if (rest_) return Io::kBlocked;
  fail_lost(error);
  return Io::kFailed;
}

TunnelHandshake::Progress TunnelBase::fail(const char* code, const char* reason,
                                           const std::string& detail, const std::string& errno_name,
                                           int status) {
  error_.code = code;
  error_.reason = reason;
  error_.detail = std::string(proxy_kind_) + ", asked for " + printable(target_) + ": " + detail;
  error_.errno_name = errno_name;
  error_.status = status;
  return Progress::kFailed;
}

TunnelHandshake::Progress TunnelBase::fail_options(const std::string& detail) {
  return fail(connect_code::kProxyOptions, "proxy options cannot be sent", detail);
}

TunnelHandshake::Progress TunnelBase::fail_protocol(const std::string& detail) {
  return fail(connect_code::kProxyProtocol, "proxy protocol error", detail);
}

TunnelHandshake::Progress TunnelBase::fail_lost(int error) {
  const std::string name = error != 0 ? errno_name(error) : std::string();
  return fail(connect_code::kProxyConnectionFailed, "proxy connection failed",
              error != 0 ? "connection lost, " + name + " (" + errno_text(error) + ')'
                         : "it closed the connection before it had answered",
              name);
}

std::string authority_of(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  const std::string name = v6 ? '[' + host.substr(0, host.find('%')) + ']' : host;
  return name + ':' + std::to_string(port);
}

std::string printable(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes.substr(0, kMaxQuoted)) {
    text += byte >= ' ' && byte <= '~' ? byte : '?';
  }
  if (bytes.size() > kMaxQuoted) text += "...";
  return text;
}

}  // namespace vws
