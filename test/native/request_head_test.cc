// The head of a request, cut in every way; what is refused, and with which status.

#include "engine/http/request_head.h"

#include <algorithm>
#include <string>

#include "harness.h"

namespace vws::test {

namespace {

using State = RequestHead::State;

struct Parsed {
  State state = State::kMore;
  size_t used = 0;
  std::string text;  // method, target, version and headers, or status
};

Parsed parse(const std::string& in, size_t piece, RequestHead::Limits limits = {}) {
  RequestHead head(limits);
  Parsed parsed;
  while (parsed.used < in.size() && parsed.state == State::kMore) {
    size_t used = 0;
    // From memory of its own, so that a sanitizer sees a byte too many.
    const std::string part = in.substr(parsed.used, piece);
    parsed.state = head.feed(reinterpret_cast<const uint8_t*>(part.data()), part.size(), &used);
    parsed.used += used;
  }
  if (parsed.state == State::kDone) {
    parsed.text = head.method() + "|" + head.target() + "|" + std::to_string(head.minor_version()) +
                  "|" + head.headers();
  } else if (parsed.state == State::kBad) {
    parsed.text = std::to_string(head.status());
  }
  return parsed;
}

void check(const std::string& in, State state, const std::string& text,
           RequestHead::Limits limits = {}) {
  const Parsed whole = parse(in, std::string::npos, limits);
  CHECK_EQ(whole.state, state);
  CHECK_EQ(whole.text, text);
  for (size_t piece = 1; piece <= 7; ++piece) {
    const Parsed cut = parse(in, piece, limits);
    CHECK_EQ(cut.state, whole.state);
    CHECK_EQ(cut.text, whole.text);
    CHECK_EQ(cut.used, whole.used);
  }
}

void check_bad(const std::string& in, const std::string& status = "400") {
  check(in, State::kBad, status);
}

std::string with_header(const std::string& line) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + line + "\r\n\r\n";
}

}  // namespace

TEST("a request keeps its target and its headers as they came") {
  check("GET /a%20b?x=1&y=//../ HTTP/1.1\r\nHost: h\r\nX-Two:  a b \t\r\nX-two:\r\n\r\n",
        State::kDone, "GET|/a%20b?x=1&y=//../|1|Host: h\r\nX-Two:  a b \t\r\nX-two:\r\n");
  check("OPTIONS * HTTP/1.0\r\n\r\n", State::kDone, "OPTIONS|*|0|");
  check("\r\n\r\nGET / HTTP/1.0\r\n\r\n", State::kDone, "GET|/|0|");
  check(with_header("X: caf\xe9"), State::kDone, "GET|/|1|Host: h\r\nX: caf\xe9\r\n");
}

TEST("what follows the head is left alone") {
  const std::string head = with_header("A: b");
  for (const size_t piece : {size_t{1}, size_t{5}, std::string::npos}) {
    CHECK_EQ(parse(head + "\x81\x80rest", piece).used, head.size());
  }
}

TEST("an unfinished head is none") {
  check("GET / HTTP/1.1\r\nHost: h\r\n", State::kMore, "");
  check("", State::kMore, "");
}

TEST("malformed request lines") {
  for (const char* line :
       {"GET", "GET ", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
        "GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/1.11", "GET / http/1.1", "GET / x HTTP/1.1",
        "G@T / HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/", "GET /"}) {
    check_bad(std::string(line) + "\r\n\r\n");
  }
}

TEST("what is no HTTP is told at its first bytes") {
  CHECK_EQ(parse(std::string("\x16\x03\x01\x02", 4), 1).used, size_t{1});
  CHECK_EQ(parse("SSH-2.0-x\xff", 1).state, State::kBad);
  CHECK_EQ(parse("{\"json\"", 1).used, size_t{1});
}

TEST("malformed headers, and those that others read in another way") {
  for (const char* line : {"no colon", ": value", "Name : value", "Na me: value", " folded: x",
                           "A: b\r\n folded", "A: b\r\n\tfolded", "A: b\nB: c", "A: b\rB: c",
                           "A: \x01", "A: \x7f", "A\x80: b", "(A): b"}) {
    check_bad(with_header(line));
  }
  check_bad(std::string("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 26));
  check_bad("GET / HTTP/1.1\nHost: h\n\n");
  check_bad("GET / HTTP/1.1\r\nHost: h\r\n\n");
}

TEST("one Host header, and no body of a request to upgrade") {
  check_bad("GET / HTTP/1.1\r\n\r\n");
  check_bad(with_header("host: other"));
  const std::string upgrade = "Upgrade: websocket\r\nconnection: keep-alive,\t UPGRADE\r\n";
  check_bad(with_header(upgrade + "Content-Length: 5"));
  check_bad(with_header(upgrade + "Transfer-Encoding: chunked"));
  CHECK_EQ(parse(with_header(upgrade + "Content-Length: 0"), 1).state, State::kDone);
  CHECK_EQ(parse(with_header("Content-Length: 5"), 1).state, State::kDone);
}

TEST("an upgrade is asked for by both headers") {
  const auto asks = [](const std::string& lines) {
    RequestHead head({});
    const std::string in = with_header(lines);
    size_t used = 0;
    CHECK_EQ(head.feed(reinterpret_cast<const uint8_t*>(in.data()), in.size(), &used),
             State::kDone);
    return head.asks_for_upgrade();
  };
  CHECK(asks("Upgrade: websocket\r\nConnection: Upgrade"));
  CHECK(asks("Connection: close\r\nUPGRADE: x\r\nConnection: a, upgrade ,b"));
  CHECK(!asks("Upgrade: websocket"));
  CHECK(!asks("Connection: Upgrade"));
  CHECK(!asks("Upgrade: websocket\r\nConnection: upgraded"));
}

TEST("limits on bytes and on headers") {
  RequestHead::Limits limits;
  limits.headers = 3;
  const std::string three = "GET / HTTP/1.0\r\nA: 1\r\nA: 2\r\nA: 3\r\n";
  check(three + "\r\n", State::kDone, "GET|/|0|A: 1\r\nA: 2\r\nA: 3\r\n", limits);
  check(three + "A: 4\r\n\r\n", State::kBad, "431", limits);
  limits.bytes = three.size() + 2;
  check(three + "\r\n", State::kDone, "GET|/|0|A: 1\r\nA: 2\r\nA: 3\r\n", limits);
  limits.bytes -= 1;
  check(three + "\r\n", State::kBad, "431", limits);
  // A line that never ends, and empty lines without end.
  check(std::string(100, 'a'), State::kBad, "431", limits);
  std::string empty_lines;
  for (int i = 0; i < 100; ++i) empty_lines += "\r\n";
  check(empty_lines, State::kBad, "431", limits);
}

}  // namespace vws::test

TEST_MAIN
