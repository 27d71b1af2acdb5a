#include "engine/net/socks5_tunnel.h"

#include <utility>

#include "engine/net/address.h"
#include "engine/net/connect_error.h"

namespace vws {

namespace {

constexpr char kVersion = 5;
constexpr char kCredentialsVersion = 1;
constexpr char kNoAuthentication = 0;
constexpr char kUserPassword = 2;
constexpr uint8_t kNoMethod = 0xff;
constexpr char kConnect = 1;
constexpr char kIpv4 = 1;
constexpr char kDomain = 3;
constexpr char kIpv6 = 4;

// Lengths of names, users and passwords are one byte.
constexpr size_t kMaxField = 255;

// Every answer begins with a version and a verdict.
constexpr size_t kVerdict = 2;
// Version, reply, reserved, address type, and the first byte of the address: no reply is shorter, and
// from these the length of the whole is known.
constexpr size_t kReplyType = 4;
constexpr size_t kReplyStart = 5;

struct Reply {
  const char* text;
  const char* errno_name;
};

// RFC 1928 §6; the index is the code.
constexpr Reply kReplies[] = {
    {"succeeded", ""},
    {"general SOCKS server failure", ""},
    {"connection not allowed by ruleset", "EACCES"},
    {"Network unreachable", "ENETUNREACH"},
    {"Host unreachable", "EHOSTUNREACH"},
    {"Connection refused", "ECONNREFUSED"},
    {"TTL expired", "ETIMEDOUT"},
    {"Command not supported", "EOPNOTSUPP"},
    {"Address type not supported", "EAFNOSUPPORT"},
};

uint8_t byte_of(const std::string& bytes, size_t index) {
  return static_cast<uint8_t>(bytes[index]);
}

std::string with_length(const std::string& field) {
  return static_cast<char>(static_cast<uint8_t>(field.size())) + field;
}

}  // namespace

Socks5Tunnel::Socks5Tunnel(const ProxyOptions& proxy, const std::string& target, uint16_t port)
    : TunnelBase("SOCKS5 proxy", proxy, authority_of(target, port)) {
  if (proxy.auth) prepare_credentials(*proxy.auth);
  prepare_request(target, port);
  std::string greeting{kVersion};
  if (credentials_.empty()) {
    greeting += {1, kNoAuthentication};
  } else {
    greeting += {2, kNoAuthentication, kUserPassword};
  }
  ask(Stage::kGreeting, std::move(greeting));
}

void Socks5Tunnel::prepare_credentials(const std::string& auth) {
  const size_t colon = auth.find(':');
  const std::string user = auth.substr(0, colon);
  const std::string password = colon == std::string::npos ? "" : auth.substr(colon + 1);
  if (user.size() > kMaxField || password.size() > kMaxField) {
    problem_ = "the user name or the password is longer than 255 bytes";
    return;
  }
  credentials_ = kCredentialsVersion + with_length(user) + with_length(password);
}

void Socks5Tunnel::prepare_request(const std::string& target, uint16_t port) {
  std::string address;
  if (const auto numeric = Address::from_numeric(target, port)) {
    // A zone means nothing on another machine, and has no place in the request.
    if (numeric->ip_version() == 4) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(numeric->data());
      address = kIpv4 + std::string(reinterpret_cast<const char*>(&v4->sin_addr), 4);
    } else {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(numeric->data());
      address = kIpv6 + std::string(reinterpret_cast<const char*>(&v6->sin6_addr), 16);
    }
  } else if (target.empty() || target.size() > kMaxField ||
             target.find('\0') != std::string::npos) {
    problem_ = "the host name is empty, longer than 255 bytes, or contains a NUL byte";
    return;
  } else {
    address = kDomain + with_length(target);
  }
  request_ = {kVersion, kConnect, 0};
  request_ += address;
  request_ += static_cast<char>(static_cast<uint8_t>(port >> 8));
  request_ += static_cast<char>(static_cast<uint8_t>(port));
}

// What is wrong with an answer is told at the byte that says so: nobody waits for the rest of it.
void Socks5Tunnel::ask(Stage stage, std::string bytes) {
  stage_ = stage;
  in_.clear();
  need_ = 1;
  queue(std::move(bytes));
}

TunnelHandshake::Progress Socks5Tunnel::on_ready(int fd) {
  if (!problem_.empty()) return fail_options(problem_);
  for (;;) {
    const Io sent = flush(fd);
    if (sent != Io::kDone) return sent == Io::kBlocked ? Progress::kPending : Progress::kFailed;
    while (in_.size() < need_) {
      // Never more than the answer has: what follows it is the tunnel's.
      char buffer[512];
      size_t count = 0;
      const Io io = receive(fd, buffer, need_ - in_.size(), &count);
      // Some proxies just hang up when they cannot reach the target.
      if (io == Io::kFailed && stage_ == Stage::kRequest) blame_target();
      if (io != Io::kDone) return io == Io::kBlocked ? Progress::kPending : Progress::kFailed;
      in_.append(buffer, count);
    }
    const Progress progress = on_input();
    if (progress != Progress::kPending) return progress;
  }
}

TunnelHandshake::Progress Socks5Tunnel::on_input() {
  if (in_.size() < kVerdict) return on_version();
  switch (stage_) {
    case Stage::kGreeting:
      return on_method();
    case Stage::kCredentials:
      return on_credentials_answer();
    case Stage::kRequest:
      break;
  }
  return on_reply();
}

TunnelHandshake::Progress Socks5Tunnel::on_version() {
  // Some proxies repeat the version of SOCKS in their answer to the credentials, instead of that of the
  // subnegotiation.
  const bool credentials = stage_ == Stage::kCredentials;
  if (in_[0] != kVersion && !(credentials && in_[0] == kCredentialsVersion)) {
    const std::string begins = "begins with " + std::to_string(byte_of(in_, 0));
    return fail_protocol(credentials ? "its answer to the credentials " + begins
                                     : "its answer is not SOCKS version 5, but " + begins);
  }
  need_ = kVerdict;
  return Progress::kPending;
}

TunnelHandshake::Progress Socks5Tunnel::on_method() {
  const uint8_t method = byte_of(in_, 1);
  if (method == kNoMethod) {
    return fail(connect_code::kProxyAuthRequired, "proxy authentication required",
                credentials_.empty() ? "it wants authentication, and no credentials were given"
                                     : "it accepts neither a user name and password nor none");
  }
  if (method == kUserPassword && !credentials_.empty()) {
    ask(Stage::kCredentials, credentials_);
    return Progress::kPending;
  }
  if (method != kNoAuthentication) {
    return fail_protocol("it chose authentication method " + std::to_string(method) +
                         ", which was not offered");
  }
  ask(Stage::kRequest, request_);
  return Progress::kPending;
}

TunnelHandshake::Progress Socks5Tunnel::on_credentials_answer() {
  if (in_[1] != 0) {
    return fail(connect_code::kProxyAuthRequired, "proxy authentication required",
                "it did not accept the user name and the password (status " +
                    std::to_string(byte_of(in_, 1)) + ')');
  }
  ask(Stage::kRequest, request_);
  return Progress::kPending;
}

TunnelHandshake::Progress Socks5Tunnel::on_reply() {
  const uint8_t code = byte_of(in_, 1);
  if (code != 0) {
    const bool known = code < sizeof kReplies / sizeof kReplies[0];
    const Reply reply = known ? kReplies[code] : Reply{"unassigned", ""};
    blame_target();
    return fail(connect_code::kProxyRefused, "proxy refused the connection",
                std::string(reply.text) + " (reply " + std::to_string(code) + ')',
                reply.errno_name);
  }
  if (in_.size() < kReplyType) {
    need_ = kReplyType;
    return Progress::kPending;
  }
  size_t address_size = 0;
  switch (in_[3]) {
    case kIpv4:
      address_size = 4;
      break;
    case kIpv6:
      address_size = 16;
      break;
    case kDomain:
      if (in_.size() < kReplyStart) {
        need_ = kReplyStart;
        return Progress::kPending;
      }
      address_size = 1 + size_t{byte_of(in_, 4)};
      break;
    default:
      return fail_protocol("its reply has an unknown address type, " +
                           std::to_string(byte_of(in_, 3)));
  }
  need_ = kReplyType + address_size + 2;
  return in_.size() < need_ ? Progress::kPending : Progress::kDone;
}

}  // namespace vws
