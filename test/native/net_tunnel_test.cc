#include <memory>
#include <string>
#include <vector>

#include "engine/net/connect_error.h"
#include "engine/net/http_response_head.h"
#include "engine/net/proxy.h"
#include "engine/os/unique_fd.h"
#include "harness.h"
#include "net_support.h"

using vws::ProxyOptions;
using vws::ProxyType;
using vws::TunnelHandshake;
using vws::UniqueFd;
using vws::test::contains;
using Progress = TunnelHandshake::Progress;

namespace {

// A handshake on one end of a pair; the test is the proxy on the other.
class Pair {
 public:
  Pair(const ProxyOptions& proxy, const std::string& target, uint16_t port)
      : handshake_(vws::make_tunnel_handshake(proxy, target, port)) {
    vws::test::SocketPair ends = vws::test::socket_pair();
    CHECK(static_cast<bool>(ends.one));
    ours_ = std::move(ends.one);
    proxy_ = std::move(ends.other);
  }

  Progress go() { return handshake_->on_ready(ours_.get()); }
  void say(const std::string& bytes) {
    CHECK_EQ(vws::os::send(proxy_.get(), bytes.data(), bytes.size()),
             static_cast<ssize_t>(bytes.size()));
  }
  Progress answer(const std::string& bytes) {
    say(bytes);
    return go();
  }
  void hang_up() { proxy_.reset(); }
  // What the proxy has been told, and what the tunnel's user finds in the socket.
  std::string asked() { return take(proxy_.get()); }
  std::string left() { return take(ours_.get()); }
  const vws::TunnelError& error() const { return handshake_->error(); }
  uint32_t wants() const { return handshake_->wants(); }
  int ours() const { return ours_.get(); }
  int proxys() const { return proxy_.get(); }

 private:
  static std::string take(int fd) {
    std::string bytes(70000, '\0');
    const ssize_t count = vws::os::receive(fd, &bytes[0], bytes.size());
    bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return bytes;
  }

  std::unique_ptr<TunnelHandshake> handshake_;
  UniqueFd ours_;
  UniqueFd proxy_;
};

ProxyOptions http() {
  ProxyOptions proxy;
  proxy.host = "proxy.example";
  proxy.port = 3128;
  return proxy;
}

ProxyOptions socks(const std::string& auth = std::string()) {
  ProxyOptions proxy = http();
  proxy.type = ProxyType::kSocks5;
  if (!auth.empty()) proxy.auth = auth;
  return proxy;
}

std::string raw(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

std::string request_for(const ProxyOptions& proxy, const std::string& host) {
  Pair pair(proxy, host, 443);
  CHECK_EQ(pair.go(), Progress::kPending);
  CHECK_EQ(pair.wants(), uint32_t{vws::kReadable});
  return pair.asked();
}

void expect_failure(Pair& pair, Progress progress, const char* code, const char* detail) {
  CHECK_EQ(progress, Progress::kFailed);
  CHECK_EQ(std::string(pair.error().code), code);
  CHECK(!pair.error().reason.empty());
  CHECK(contains(pair.error().detail, detail));
}

void http_failure(const std::string& response, const char* code, const char* detail, int status) {
  Pair pair(http(), "target.example", 443);
  CHECK_EQ(pair.go(), Progress::kPending);
  expect_failure(pair, pair.answer(response), code, detail);
  CHECK_EQ(pair.error().status, status);
}

void options_failure(const ProxyOptions& proxy, const std::string& target, const char* detail) {
  Pair pair(proxy, target, 443);
  expect_failure(pair, pair.go(), vws::connect_code::kProxyOptions, detail);
  CHECK_EQ(pair.asked(), "");
}

// Plays a conversation, every answer of the proxy split at one place or sent byte by byte, and wants
// the tunnel's first bytes untouched. before: a part of the answer, then the rest with what follows.
void play(const ProxyOptions& proxy, const std::string& target,
          const std::vector<std::string>& answers, size_t split_answer, size_t split_at) {
  static const std::string kTrailing = "\x81\x05hello, tunnel\r\n\r\n";
  Pair pair(proxy, target, 443);
  CHECK_EQ(pair.go(), Progress::kPending);
  for (size_t i = 0; i < answers.size(); ++i) {
    const bool last = i + 1 == answers.size();
    std::string rest = answers[i];
    if (split_answer == i) {
      CHECK_EQ(pair.answer(rest.substr(0, split_at)), Progress::kPending);
      CHECK_EQ(pair.left(), "");
      rest = rest.substr(split_at);
    } else if (split_answer > answers.size()) {
      for (; rest.size() > 1; rest = rest.substr(1)) {
        CHECK_EQ(pair.answer(rest.substr(0, 1)), Progress::kPending);
      }
    }
    if (last) rest += kTrailing;
    CHECK_EQ(pair.answer(rest), last ? Progress::kDone : Progress::kPending);
  }
  CHECK_EQ(pair.left(), kTrailing);
}

void play_at_every_split(const ProxyOptions& proxy, const std::string& target,
                         const std::vector<std::string>& answers) {
  for (size_t i = 0; i < answers.size(); ++i) {
    for (size_t at = 1; at < answers[i].size(); ++at) play(proxy, target, answers, i, at);
  }
  play(proxy, target, answers, answers.size(), 0);      // whole
  play(proxy, target, answers, answers.size() + 1, 0);  // byte by byte
}

}  // namespace

TEST("HTTP: the request") {
  CHECK_EQ(request_for(http(), "target.example"),
           "CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n");
  CHECK_EQ(request_for(http(), "fe80::1%lo"),
           "CONNECT [fe80::1]:443 HTTP/1.1\r\nHost: [fe80::1]:443\r\n\r\n");
  ProxyOptions proxy = http();
  proxy.auth = "Aladdin:open sesame";  // RFC 7617 §2
  proxy.headers = {"X-One: 1", "User-Agent: a b\tc"};
  CHECK_EQ(request_for(proxy, "a"),
           "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"
           "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
           "X-One: 1\r\nUser-Agent: a b\tc\r\n\r\n");
  // Headers of the caller take the place of ours.
  proxy.headers = {"proxy-authorization: Bearer x", "HOST: other"};
  CHECK_EQ(request_for(proxy, "a"),
           "CONNECT a:443 HTTP/1.1\r\nproxy-authorization: Bearer x\r\nHOST: other\r\n\r\n");
}

TEST("HTTP: credentials in base64 at every length, any bytes") {
  const auto sent = [](const std::string& auth) {
    ProxyOptions proxy = http();
    proxy.auth = auth;
    const std::string request = request_for(proxy, "a");
    const size_t start = request.find("Basic ") + 6;
    return request.substr(start, request.find('\r', start) - start);
  };
  CHECK_EQ(sent("user"), "dXNlcjo=");  // "user:"
  CHECK_EQ(sent("u:"), "dTo=");
  CHECK_EQ(sent("u:p"), "dTpw");
  CHECK_EQ(sent("u:pq"), "dTpwcQ==");
  CHECK_EQ(sent("\xff:\xfb\xfe"), "/zr7/g==");
  CHECK_EQ(sent("a:\r\nX: y"), "YToNClg6IHk=");
  CHECK_EQ(sent(""), "Og==");
}

TEST("HTTP: what cannot be sent is refused before anything is sent") {
  options_failure(http(), "", "cannot be named");
  options_failure(http(), "a b", "cannot be named");
  options_failure(http(), "a\r\nX: y", "request: a??X: y");
  options_failure(http(), "a/b", "cannot be named");
  options_failure(http(), "user@a", "cannot be named");
  options_failure(http(), "b\xc3\xbc", "cannot be named");
  for (const char* line : {"", ":", "no colon", "a b: c", "A: b\r\nC: d", "A: \x01", "A\n: b"}) {
    ProxyOptions proxy = http();
    proxy.headers = {"Fine: yes", line};
    options_failure(proxy, "a", "not a header line");
  }
}

TEST("HTTP: answers that make a tunnel, at every split") {
  for (const char* answer :
       {"HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nVia: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n", "HTTP/1.1 204 \r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 299 "
        "Yes\r\n\r\n"}) {
    play_at_every_split(http(), "target.example", {answer});
  }
}

TEST("HTTP: refusals") {
  http_failure("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad",
               vws::connect_code::kProxyRefused,
               "HTTP proxy, asked for target.example:443: it answered 502 Bad Gateway", 502);
  http_failure("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", vws::connect_code::kProxyRefused,
               "302 Found", 302);
  http_failure("HTTP/1.1 403 caf\xe9\r\n\r\n", vws::connect_code::kProxyRefused, "403 caf?", 403);
  http_failure("HTTP/1.1 101 Upgrade\r\n\r\n\x81", vws::connect_code::kProxyRefused, "101 Upgrade",
               101);
  http_failure("HTTP/1.1 407 No\r\nA: b\r\nproxy-authenticate:  Basic realm=\"x\" \r\n\r\n",
               vws::connect_code::kProxyAuthRequired,
               "407 No (Basic realm=\"x\"); no credentials were sent", 407);
  ProxyOptions proxy = http();
  proxy.auth = "u:p";
  Pair pair(proxy, "a", 443);
  CHECK_EQ(pair.go(), Progress::kPending);
  expect_failure(pair, pair.answer("HTTP/1.1 407 No\r\n\r\n"),
                 vws::connect_code::kProxyAuthRequired, "not accepted");
}

TEST("HTTP: garbage is told as soon as it is seen") {
  const char* code = vws::connect_code::kProxyProtocol;
  http_failure("x", code, "is not HTTP/1.x: x", 0);
  http_failure("HTTP/2", code, "is not HTTP/1.x: HTTP/2", 0);
  http_failure("\r\nHTTP/1.1 200 OK\r\n\r\n", code, "is not HTTP/1.x", 0);
  http_failure(raw({5, 255}), code, "is not HTTP/1.x: ?", 0);
  http_failure("SSH-2.0-OpenSSH\r\n", code, "is not HTTP/1.x: S", 0);
  for (const char* line : {"HTTP/1.", "HTTP/1.x 200"}) {
    http_failure(std::string(line) + "\r\n", code, "is not HTTP/1.x", 0);
  }
  for (const char* line : {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2x0 a",
                           "HTTP/1.1  200 OK", "HTTP/1.1 2000", "HTTP/1.1 099 a"}) {
    http_failure(std::string(line) + "\r\n", code, "malformed status line", 0);
  }
  // Without an end of the head that a parser could wait for.
  http_failure("HTTP/1.1 200 OK\n", code, "ends without CR", 0);
  http_failure("HTTP/1.1 200 OK\r\nA: b\n", code, "ends without CR", 0);
  http_failure("HTTP/1.1 200 OK\r\nA: b\rc", code, "CR in it", 0);
  http_failure("HTTP/1.1 200 \x1b[31m", code, "malformed status line", 0);
  http_failure("HTTP/1.1 200 OK\r\nA: \x07", code, "malformed header", 0);
  for (const char* line : {"no colon", ": empty", "a b: c", "a : b"}) {
    http_failure("HTTP/1.1 200 OK\r\n" + std::string(line) + "\r\n", code, "malformed header", 0);
  }
  http_failure(std::string("HTTP/1.1 200 O\0K", 16), code, "NUL", 0);
}

TEST("HTTP: the head of an answer is bounded") {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  const std::string filler(16 * 1024 - start.size() - 7, 'x');
  play_at_every_split(http(), "a", {start + "\r\n"});
  Pair fits(http(), "a", 443);
  CHECK_EQ(fits.go(), Progress::kPending);
  CHECK_EQ(fits.answer(start + "a: " + filler + "\r\n\r\n"), Progress::kDone);
  http_failure(start + "a: " + filler + "x\r\n\r\n", vws::connect_code::kProxyProtocol,
               "longer than 16384", 0);
  std::string interim;
  for (int i = 0; i < 33; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  http_failure(interim, vws::connect_code::kProxyProtocol, "more than 32 interim responses", 0);
}

TEST("a proxy that closes") {
  for (const ProxyOptions& proxy : {http(), socks()}) {
    Pair silent(proxy, "a", 443);
    CHECK_EQ(silent.go(), Progress::kPending);
    CHECK(!silent.asked().empty());
    silent.hang_up();
    expect_failure(silent, silent.go(), vws::connect_code::kProxyConnectionFailed, "closed");
    CHECK_EQ(silent.error().errno_name, "");

    // On a Unix pair, what was never read makes the end a reset.
    Pair reset(proxy, "a", 443);
    CHECK_EQ(reset.go(), Progress::kPending);
    reset.hang_up();
    expect_failure(reset, reset.go(), vws::connect_code::kProxyConnectionFailed, "ECONNRESET");
    CHECK_EQ(reset.error().errno_name, "ECONNRESET");
  }
  // It may have said why before it closed, even if the request could not be sent any more.
  if (vws::test::kPairsAreTcp) return;  // which ends with a reset then
  Pair early(http(), "a", 443);
  early.say("HTTP/1.1 503 Busy\r\n\r\n");
  early.hang_up();
  expect_failure(early, early.go(), vws::connect_code::kProxyRefused, "503 Busy");
}

TEST("a request that does not fit into the socket at once") {
  ProxyOptions proxy = http();
  for (int i = 0; i < 30; ++i) proxy.headers.push_back("X: " + std::string(10000, 'x'));
  Pair pair(proxy, "a", 443);
  vws::test::set_buffers(pair.ours(), 4096);
  std::string asked;
  while (pair.go() == Progress::kPending && pair.wants() == vws::kWritable) asked += pair.asked();
  const std::string end = "x\r\n\r\n";
  do asked += pair.asked();
  while (asked.compare(asked.size() - end.size(), end.size(), end) != 0 &&
         vws::test::wait_readable(pair.proxys(), 20000));
  CHECK_EQ(pair.wants(), uint32_t{vws::kReadable});
  CHECK(asked.size() > 300000);
  CHECK_EQ(asked.substr(asked.size() - end.size()), end);
  CHECK_EQ(pair.answer("HTTP/1.1 200 OK\r\n\r\n"), Progress::kDone);
}

namespace {
const std::string kNoAuth = raw({5, 0});
const std::string kReply4 = raw({5, 0, 0, 1, 0, 0, 0, 0, 0, 0});
}  // namespace

TEST("SOCKS5: what is sent, for names and addresses") {
  const auto sent = [](const std::string& target) {
    Pair pair(socks(), target, 0x1234);
    CHECK_EQ(pair.go(), Progress::kPending);
    CHECK_EQ(pair.asked(), raw({5, 1, 0}));
    CHECK_EQ(pair.answer(kNoAuth), Progress::kPending);
    return pair.asked();
  };
  CHECK_EQ(sent("1.2.3.4"), raw({5, 1, 0, 1, 1, 2, 3, 4, 0x12, 0x34}));
  CHECK_EQ(sent("::1%" + vws::test::loopback_name()),
           raw({5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x12, 0x34}));
  CHECK_EQ(sent("abc"), raw({5, 1, 0, 3, 3}) + "abc" + raw({0x12, 0x34}));
  CHECK_EQ(sent(std::string(255, 'x')),
           raw({5, 1, 0, 3, 255}) + std::string(255, 'x') + raw({0x12, 0x34}));
}

TEST("SOCKS5: what cannot be sent is refused before anything is sent") {
  options_failure(socks(), "", "empty");
  options_failure(socks(), std::string(256, 'x'), "longer than 255");
  options_failure(socks(), std::string("a\0b", 3), "NUL");
  options_failure(socks(std::string(256, 'u') + ":p"), "a", "longer than 255");
  options_failure(socks("u:" + std::string(256, 'p')), "a", "longer than 255");
}

TEST("SOCKS5: user name and password") {
  const auto credentials = [](const std::string& auth) {
    Pair pair(socks(auth), "a", 1);
    CHECK_EQ(pair.go(), Progress::kPending);
    CHECK_EQ(pair.asked(), raw({5, 2, 0, 2}));
    CHECK_EQ(pair.answer(raw({5, 2})), Progress::kPending);
    const std::string sent = pair.asked();
    CHECK_EQ(pair.answer(raw({1, 0})), Progress::kPending);
    CHECK_EQ(pair.asked(), raw({5, 1, 0, 3, 1, 'a', 0, 1}));
    CHECK_EQ(pair.answer(kReply4), Progress::kDone);
    return sent;
  };
  CHECK_EQ(credentials("u:pw"), raw({1, 1, 'u', 2, 'p', 'w'}));
  CHECK_EQ(credentials("u:p:q"), raw({1, 1, 'u', 3, 'p', ':', 'q'}));
  CHECK_EQ(credentials("u"), raw({1, 1, 'u', 0}));
  const std::string longest(255, 'x');
  CHECK_EQ(credentials(longest + ':' + longest), raw({1, 255}) + longest + raw({255}) + longest);

  // A proxy that wants no credentials gets none.
  Pair open(socks("u:p"), "a", 1);
  CHECK_EQ(open.go(), Progress::kPending);
  CHECK_EQ(open.asked(), raw({5, 2, 0, 2}));
  CHECK_EQ(open.answer(kNoAuth), Progress::kPending);
  CHECK_EQ(open.asked(), raw({5, 1, 0, 3, 1, 'a', 0, 1}));
}

TEST("SOCKS5: credentials refused or missing") {
  const char* code = vws::connect_code::kProxyAuthRequired;
  Pair missing(socks(), "a", 1);
  CHECK_EQ(missing.go(), Progress::kPending);
  expect_failure(missing, missing.answer(raw({5, 255})), code, "no credentials were given");
  Pair unwanted(socks("u:p"), "a", 1);
  CHECK_EQ(unwanted.go(), Progress::kPending);
  expect_failure(unwanted, unwanted.answer(raw({5, 255})), code, "accepts neither");
  Pair wrong(socks("u:p"), "a", 1);
  CHECK_EQ(wrong.go(), Progress::kPending);
  CHECK_EQ(wrong.answer(raw({5, 2})), Progress::kPending);
  expect_failure(wrong, wrong.answer(raw({1, 7})), code, "(status 7)");
}

TEST("SOCKS5: answers that make a tunnel, at every split") {
  const std::string domain = raw({5, 0, 0, 3, 4}) + "host" + raw({1, 2});
  const std::string longest = raw({5, 0, 0, 3, 255}) + std::string(255, 'h') + raw({1, 2});
  const std::string v6 = raw({5, 0, 0, 4}) + std::string(16, 'a') + raw({1, 2});
  for (const std::string& reply : {kReply4, v6, domain, longest, raw({5, 0, 0, 3, 0, 1, 2}),
                                   raw({5, 0, 9, 1, 1, 1, 1, 1, 1, 1})}) {
    play_at_every_split(socks(), "target.example", {kNoAuth, reply});
    play_at_every_split(socks("u:p"), "target.example", {raw({5, 2}), raw({1, 0}), reply});
  }
  // Some repeat SOCKS's own version in the subnegotiation.
  play_at_every_split(socks("u:p"), "::1", {raw({5, 2}), raw({5, 0}), kReply4});
}

TEST("SOCKS5: every reply code is named, at its second byte") {
  struct Expected {
    int code;
    const char* text;
    const char* errno_name;
  };
  for (const Expected& expected :
       {Expected{1, "general SOCKS server failure (reply 1)", ""},
        Expected{2, "not allowed by ruleset", "EACCES"},
        Expected{3, "Network unreachable", "ENETUNREACH"},
        Expected{4, "Host unreachable", "EHOSTUNREACH"},
        Expected{5, "Connection refused", "ECONNREFUSED"}, Expected{6, "TTL expired", "ETIMEDOUT"},
        Expected{7, "Command not supported", "EOPNOTSUPP"},
        Expected{8, "Address type not supported", "EAFNOSUPPORT"},
        Expected{9, "unassigned (reply 9)", ""}, Expected{255, "unassigned (reply 255)", ""}}) {
    Pair pair(socks(), "a", 1);
    CHECK_EQ(pair.go(), Progress::kPending);
    CHECK_EQ(pair.answer(kNoAuth), Progress::kPending);
    expect_failure(pair, pair.answer(raw({5, expected.code})), vws::connect_code::kProxyRefused,
                   expected.text);
    CHECK_EQ(pair.error().errno_name, expected.errno_name);
    CHECK_EQ(pair.error().status, 0);
  }
}

TEST("SOCKS5: garbage") {
  const char* code = vws::connect_code::kProxyProtocol;
  // At the byte that says so: nobody waits for the rest.
  Pair version(socks(), "a", 1);
  CHECK_EQ(version.go(), Progress::kPending);
  expect_failure(version, version.answer("H"), code, "begins with 72");
  Pair method(socks(), "a", 1);
  CHECK_EQ(method.go(), Progress::kPending);
  expect_failure(method, method.answer(raw({5, 2})), code, "method 2, which was not offered");
  Pair gssapi(socks("u:p"), "a", 1);
  CHECK_EQ(gssapi.go(), Progress::kPending);
  expect_failure(gssapi, gssapi.answer(raw({5, 1})), code, "method 1, which was not offered");
  Pair sub(socks("u:p"), "a", 1);
  CHECK_EQ(sub.go(), Progress::kPending);
  CHECK_EQ(sub.answer(raw({5, 2})), Progress::kPending);
  expect_failure(sub, sub.answer(raw({2})), code, "credentials begins with 2");
  Pair reply(socks(), "a", 1);
  CHECK_EQ(reply.go(), Progress::kPending);
  expect_failure(reply, reply.answer(kNoAuth + raw({4})), code, "begins with 4");
  Pair type(socks(), "a", 1);
  CHECK_EQ(type.go(), Progress::kPending);
  expect_failure(type, type.answer(kNoAuth + raw({5, 0, 0, 2})), code, "address type, 2");
}

TEST("random answers never hang or take what is not theirs") {
  vws::test::Random random;
  for (int round = 0; round < 3000; ++round) {
    const bool is_http = random.below(2) == 0;
    Pair pair(is_http ? http() : socks("u:p"), "a", 1);
    CHECK_EQ(pair.go(), Progress::kPending);
    std::string answer = is_http ? "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
                                 : raw({5, 2, 1, 0, 5, 0, 0, 3, 3, 'a', 'b', 'c', 0, 1});
    for (size_t i = random.below(3); i > 0; --i) {
      answer[random.below(answer.size())] = static_cast<char>(random.below(256));
    }
    Progress progress = Progress::kPending;
    while (progress == Progress::kPending && !answer.empty()) {
      const size_t some = 1 + random.below(answer.size());
      progress = pair.answer(answer.substr(0, some));
      answer = answer.substr(some);
    }
    pair.hang_up();
    if (progress == Progress::kPending) progress = pair.go();
    CHECK(progress != Progress::kPending);
    if (progress == Progress::kFailed)
      CHECK(std::string(pair.error().code).find("ERR_PROXY_") == 0);
  }
}

TEST_MAIN
