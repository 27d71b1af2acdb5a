#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "engine/net/http_response_head.h"
#include "harness.h"

using vws::HttpResponseHead;
using State = HttpResponseHead::State;
using Fault = HttpResponseHead::Fault;
using Versions = HttpResponseHead::Versions;

namespace {

// Byte by byte, until it is decided. Returns the bytes that took.
size_t feed(HttpResponseHead& head, const std::string& text, State* state) {
  *state = State::kMore;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t used = 0;
    *state = head.feed(&text[i], 1, &used);
    CHECK_EQ(used, size_t{1});
    if (*state != State::kMore) return i + 1;
  }
  return text.size();
}

// wrong: what is malformed, up to the byte that makes it so. It is told at that byte, whether the text comes at once,
// with more behind it, or byte by byte.
void refuses(const std::string& wrong, Fault fault, const std::string& problem,
             Versions versions = Versions::kOnly11) {
  HttpResponseHead slow(versions);
  State state;
  CHECK_EQ(feed(slow, wrong, &state), wrong.size());
  CHECK_EQ(state, State::kBad);
  CHECK_EQ(slow.fault(), fault);
  if (slow.problem().find(problem) == std::string::npos) CHECK_EQ(slow.problem(), problem);
  HttpResponseHead fast(versions);
  size_t used = 0;
  const std::string more = wrong + "\r\nA: b\r\n\r\nbody";
  CHECK_EQ(fast.feed(more.data(), more.size(), &used), State::kBad);
  CHECK_EQ(used, wrong.size());
  CHECK_EQ(fast.problem(), slow.problem());
}

void takes(const std::string& text, int status, const std::string& fields,
           Versions versions = Versions::kOnly11) {
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    HttpResponseHead head(versions);
    size_t used = 0;
    if (cut < text.size()) {
      CHECK_EQ(head.feed(text.data(), cut, &used), State::kMore);
      CHECK_EQ(used, cut);
    }
    const size_t begin = cut < text.size() ? cut : 0;
    const std::string rest = text.substr(begin) + "\x81\x05hello\r\n\r\n";
    CHECK_EQ(head.feed(rest.data(), rest.size(), &used), State::kDone);
    CHECK_EQ(used, text.size() - begin);
    CHECK_EQ(head.status(), status);
    CHECK_EQ(head.fields(), fields);
  }
}

const std::string kStart = "HTTP/1.1 101 Switching Protocols\r\n";

}  // namespace

TEST("heads, at every split") {
  takes("HTTP/1.1 101\r\n\r\n", 101, "");
  takes("HTTP/1.1 101 \r\n\r\n", 101, "");
  takes(kStart + "A: b\r\nc:d\r\n\r\n", 101, "A: b\r\nc:d");
  takes("HTTP/1.1 404 caf\xe9\ttab\r\nX: \xff\t \r\nEmpty:\r\n\r\n", 404, "X: \xff\t \r\nEmpty:");
  takes("HTTP/1.0 200 OK\r\n\r\n", 200, "", Versions::kAny);
  takes("HTTP/1.9 200 OK\r\n\r\n", 200, "", Versions::kAny);
  // RFC 9112 §5.2.
  takes(kStart + "A: one\r\n two\r\n\tthree\r\nB: c\r\n\r\n", 101, "A: one two\tthree\r\nB: c");
}

TEST("the text of the status, and single headers") {
  HttpResponseHead head(Versions::kOnly11);
  const std::string text =
      "HTTP/1.1 407  Not so fast \r\nA: b\r\nproxy-authenticate: \tBasic \r\n\r\n";
  size_t used = 0;
  CHECK_EQ(head.feed(text.data(), text.size(), &used), State::kDone);
  CHECK_EQ(head.status_text(), "Not so fast");
  CHECK_EQ(head.header("Proxy-Authenticate"), "Basic");
  CHECK_EQ(head.header("a"), "b");
  CHECK_EQ(head.header("proxy"), "");
}

TEST("interim responses are passed over, but for 101") {
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
  const std::string proceed = "HTTP/1.1 100\r\n\r\n";
  takes(hints + proceed + "HTTP/1.1 102 Processing\r\nA: b\r\n\r\n" + kStart + "C: d\r\n\r\n", 101,
        "C: d");
  takes(hints + "HTTP/1.1 403 No\r\nC: d\r\n\r\n", 403, "C: d");
  takes(proceed + "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", 302, "Location: /");
  refuses(hints + "HTTP/1.1 1x", Fault::kStatusLine, "has a malformed status line: HTTP/1.1 1x");
  refuses(proceed + "x", Fault::kStatusLine, "is not HTTP/1.1: x");
}

TEST("interim responses are bounded in number and in size") {
  std::string interim;
  for (size_t i = 0; i < HttpResponseHead::kMaxInterim; ++i) interim += "HTTP/1.1 102\r\n\r\n";
  HttpResponseHead head(Versions::kOnly11);
  State state;
  feed(head, interim + kStart + "\r\n", &state);
  CHECK_EQ(state, State::kDone);
  refuses(interim + "HTTP/1.1 102\r\n\r\n", Fault::kTooLong, "more than 32 interim responses");
  const std::string start = "HTTP/1.1 103\r\nLink: ";
  refuses(start + std::string(HttpResponseHead::kMaxSize - start.size() + 1, 'x'), Fault::kTooLong,
          "longer than 16384 bytes");
}

TEST("a head is bounded") {
  const size_t room = HttpResponseHead::kMaxSize - kStart.size() - 7;
  HttpResponseHead head(Versions::kOnly11);
  State state;
  CHECK_EQ(feed(head, kStart + "a: " + std::string(room, 'x') + "\r\n\r\n", &state),
           HttpResponseHead::kMaxSize);
  CHECK_EQ(state, State::kDone);
  refuses(kStart + "a: " + std::string(room + 1, 'x') + "\r\n\r\n", Fault::kTooLong, "longer than");
  refuses("HTTP/1.1 101 " + std::string(HttpResponseHead::kMaxSize - 12, 'x'), Fault::kTooLong,
          "longer than");
}

TEST("what is malformed is told at its first wrong byte: the status line") {
  for (const char* wrong :
       {"x", "\r", "\n", " ", "h", "HTTP/2", "HTTP/1.0", "HTTP/1.x", "HTTP/1.\r", "I", "S"}) {
    refuses(wrong, Fault::kStatusLine, "is not HTTP/1.1: ");
  }
  refuses("HTTP/1.x", Fault::kStatusLine, "is not HTTP/1.x: ", Versions::kAny);
  for (const char* wrong :
       {"HTTP/1.1\r", "HTTP/1.1 \r", "HTTP/1.1 2\r", "HTTP/1.1 20\r", "HTTP/1.1 2x", "HTTP/1.1  ",
        "HTTP/1.1 0", "HTTP/1.1 2000", "HTTP/1.1 200\t", "HTTP/1.1 200:"}) {
    refuses(wrong, Fault::kStatusLine, "has a malformed status line: HTTP/1.1");
  }
  refuses("HTTP/1.1 200 OK\n", Fault::kStatusLine, "which ends without CR: HTTP/1.1 200 OK?");
  refuses("HTTP/1.1 200\n", Fault::kStatusLine, "which ends without CR");
  refuses("HTTP/1.1 200 O\rK", Fault::kStatusLine, "with a CR in it: HTTP/1.1 200 O?K");
  refuses("HTTP/1.1 200\r\r", Fault::kStatusLine, "with a CR in it");
  refuses(std::string("HTTP/1.1 200 O\0", 15), Fault::kStatusLine, "with a NUL: HTTP/1.1 200 O?");
  refuses("HTTP/1.1 200 \x1b", Fault::kStatusLine, "has a malformed status line");
  refuses("HTTP/1.1 200 \x7f", Fault::kStatusLine, "has a malformed status line");
}

TEST("what is malformed is told at its first wrong byte: header lines") {
  const auto refused = [](const std::string& line, const std::string& problem) {
    const std::string before = kStart + "A: b\r\n";
    refuses(before + line, Fault::kField, "has a malformed header line" + problem);
    HttpResponseHead head(Versions::kOnly11);
    State state;
    feed(head, before + line, &state);
    CHECK_EQ(head.status(), 101);
  };
  refused("\n", ", which ends without CR: ?");
  refused("X: y\n", ", which ends without CR: X: y?");
  refused("X\n", ", which ends without CR: X?");
  refused("\rX", ", with a CR in it: ?X");
  refused("X: y\rz", ", with a CR in it: X: y?z");
  refused("X: y\r\r", ", with a CR in it");
  refused(std::string("X: y\0", 5), ", with a NUL: X: y?");
  refused(std::string("\0", 1), ", with a NUL");
  refused(":", ": :");
  refused("no ", ": no ");
  refused("no\t", ": no?");
  refused("no\r", ": no?");
  refused("n\xc3", ": n?");
  refused("n(", ": n(");
  refused("X: \x01", ": X: ?");
  refused("X: \x7f", ": X: ?");
  refused("X: y\r\n z\x1b", ": X: y z?");
  // Nothing stands before the first to go on.
  refuses(kStart + " ", Fault::kField, "has a malformed header line:  ");
}

TEST("as many lines as fit that go on the one before take no longer than one line") {
  const auto time_of = [](const std::string& rest) {
    auto quickest = std::chrono::steady_clock::duration::max();
    for (int run = 0; run < 10; ++run) {
      HttpResponseHead head(Versions::kOnly11);
      const std::string text = kStart + "A: b" + rest + "\r\n\r\n";
      size_t used = 0;
      const auto start = std::chrono::steady_clock::now();
      CHECK_EQ(head.feed(text.data(), text.size(), &used), State::kDone);
      quickest = std::min(quickest, std::chrono::steady_clock::now() - start);
      CHECK_EQ(used, text.size());
    }
    return quickest;
  };
  std::string folded;
  while (folded.size() < HttpResponseHead::kMaxSize - 100) folded += "\r\n c";
  // With a look at all lines before for each it is 20 to 200 times as long.
  CHECK(time_of(folded) < 5 * time_of(std::string(folded.size(), 'c')));
}

TEST_MAIN
