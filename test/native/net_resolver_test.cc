#include "engine/net/resolver.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/net/resolver_pool.h"
#include "engine/os/lookup.h"
#include "harness.h"
#include "net_support.h"

using vws::EventLoop;
using vws::LookupAnswer;
using vws::Resolver;
using vws::ResolveResult;
using vws::test::run_until;
using vws::test::table_lookup;

namespace {

// Keeps lookups inside until it is opened. Shared with the helper threads, which may outlive a test.
class Gate {
 public:
  void enter() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    ++left_;
    changed_.notify_all();
  }
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_inside(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this, count] { return inside_ >= count; });
  }
  void wait_left(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this, count] { return left_ >= count; });
  }
  int inside() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return inside_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
  int left_ = 0;
};

vws::LookupFunction gated_lookup(const std::shared_ptr<Gate>& gate) {
  return [gate](const std::string&, int) {
    gate->enter();
    return LookupAnswer{0, 0, {*vws::Address::from_numeric("127.0.0.1", 0)}};
  };
}

ResolveResult resolve(EventLoop& loop, Resolver& resolver, const std::string& host, uint16_t port,
                      int family) {
  std::optional<ResolveResult> answer;
  const Resolver::Ticket ticket = resolver.resolve(
      host, port, family, [&answer](ResolveResult result) { answer = std::move(result); });
  CHECK(!answer);
  CHECK(run_until(loop, [&answer] { return answer.has_value(); }));
  return answer ? std::move(*answer) : ResolveResult();
}

std::string texts(const ResolveResult& result) {
  std::string out;
  for (const vws::Address& address : result.addresses) out += address.text_with_port() + ' ';
  return out;
}

}  // namespace

TEST("numeric addresses are answered without a lookup, and later") {
  EventLoop loop;
  const auto calls = std::make_shared<std::atomic<int>>(0);
  Resolver resolver(loop, [calls](const std::string&, int) {
    ++*calls;
    return LookupAnswer{vws::os::kLookupNotFound, 0, {}};
  });
  CHECK_EQ(texts(resolve(loop, resolver, "127.0.0.1", 80, 0)), "127.0.0.1:80 ");
  CHECK_EQ(texts(resolve(loop, resolver, "::1", 81, 6)), "::1:81 ");
  const std::string zoned = "fe80::1%" + vws::test::loopback_name();
  CHECK_EQ(texts(resolve(loop, resolver, zoned, 82, 0)), zoned + ":82 ");
  const ResolveResult wrong = resolve(loop, resolver, "::1", 80, 4);
  CHECK(wrong.error.has_value());
  CHECK_EQ(wrong.error->code, vws::os::lookup_error_name({vws::os::kLookupAddressFamily, 0}));
  CHECK_EQ(wrong.error->reason(), "unknown address family");
  CHECK_EQ(calls->load(), 0);
}

TEST("answers are interleaved and carry the port") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"many", {"::1", "::2", "1.1.1.1", "1.1.1.2"}}}));
  CHECK_EQ(texts(resolve(loop, resolver, "many", 9, 0)), "::1:9 1.1.1.1:9 ::2:9 1.1.1.2:9 ");
  CHECK_EQ(texts(resolve(loop, resolver, "many", 9, 4)), "1.1.1.1:9 1.1.1.2:9 ");
  CHECK_EQ(texts(resolve(loop, resolver, "many", 9, 6)), "::1:9 ::2:9 ");
}

TEST("errors name the cause, the host and the documented reason") {
  EventLoop loop;
  Resolver unknown(loop, [](const std::string& host, int) {
    if (host == "later") return LookupAnswer{vws::test::kTryAgain, 0, {}};
    if (host == "broken") return LookupAnswer{vws::os::kLookupSystemError, EMFILE, {}};
    if (host == "nothing") return LookupAnswer{};
    return LookupAnswer{vws::os::kLookupNotFound, 0, {}};
  });
  const auto v4 = resolve(loop, unknown, "nosuch.invalid", 1, 4).error;
  CHECK_EQ(v4->code, "ENOTFOUND");
  CHECK_EQ(v4->reason(), "getaddrinfo (ipv4) failed");
  CHECK(v4->message.find("getaddrinfo ENOTFOUND nosuch.invalid (") == 0);
  CHECK_EQ(v4->family, 4);
  CHECK_EQ(resolve(loop, unknown, "x", 1, 6).error->reason(), "getaddrinfo (ipv6) failed");
  CHECK_EQ(resolve(loop, unknown, "x", 1, 0).error->reason(), "getaddrinfo (ipv4) failed");
  CHECK_EQ(resolve(loop, unknown, "later", 1, 0).error->code, "EAI_AGAIN");
  CHECK_EQ(resolve(loop, unknown, "broken", 1, 0).error->code, "EMFILE");
  CHECK_EQ(resolve(loop, unknown, "nothing", 1, 0).error->code, "ENOTFOUND");
}

TEST("the system's own lookup") {
  EventLoop loop;
  Resolver resolver(loop);
  const ResolveResult local = resolve(loop, resolver, "localhost", 80, 4);
  CHECK_EQ(texts(local), "127.0.0.1:80 ");
  const ResolveResult unknown = resolve(loop, resolver, "nosuch.invalid", 80, 0);
  CHECK(unknown.error.has_value());
  // A machine without a name server cannot tell whether the name exists.
  CHECK(unknown.error->code == "ENOTFOUND" || unknown.error->code == "EAI_AGAIN");
  CHECK_EQ(resolve(loop, resolver, "", 80, 0).error->code, "ENOTFOUND");
  CHECK_EQ(resolve(loop, resolver, std::string("local\0host", 10), 80, 0).error->code, "ENOTFOUND");
  // Notations that are no address in the strict sense are getaddrinfo's matter.
  CHECK_EQ(texts(resolve(loop, resolver, "127.1", 80, 4)), "127.0.0.1:80 ");
}

TEST("a thousand questions at once are one lookup") {
  EventLoop loop;
  const auto gate = std::make_shared<Gate>();
  Resolver resolver(loop, gated_lookup(gate));
  std::vector<Resolver::Ticket> tickets;
  std::set<uint16_t> ports;
  for (uint16_t i = 1; i <= 1000; ++i) {
    tickets.push_back(resolver.resolve("same", i, 0, [&ports](ResolveResult result) {
      ports.insert(result.addresses.at(0).port());
    }));
  }
  gate->open();
  CHECK(run_until(loop, [&ports] { return ports.size() == 1000; }));
  // Questions that come when the answer has been given are a lookup of their own, so up to two.
  CHECK(gate->inside() <= 2);
}

TEST("different families are different questions") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"both", {"::1", "127.0.0.1"}}}));
  std::vector<std::string> answers(3);
  std::vector<Resolver::Ticket> tickets;
  for (const int family : {0, 4, 6}) {
    std::string& answer = answers[family == 0 ? 0 : static_cast<size_t>(family) / 2 - 1];
    tickets.push_back(resolver.resolve(
        "both", 1, family, [&answer](ResolveResult result) { answer = texts(result); }));
  }
  CHECK(run_until(loop, [&answers] {
    return !answers[0].empty() && !answers[1].empty() && !answers[2].empty();
  }));
  CHECK_EQ(answers[0], "::1:1 127.0.0.1:1 ");
  CHECK_EQ(answers[1], "127.0.0.1:1 ");
  CHECK_EQ(answers[2], "::1:1 ");
}

TEST("a cancelled question is not answered, and its callback is gone at once") {
  EventLoop loop;
  const auto gate = std::make_shared<Gate>();
  Resolver resolver(loop, gated_lookup(gate));
  bool called = false;
  const auto owned = std::make_shared<int>(1);
  Resolver::Ticket ticket =
      resolver.resolve("a", 1, 0, [&called, owned](ResolveResult) { called = true; });
  bool other = false;
  const Resolver::Ticket kept = resolver.resolve("a", 1, 0, [&](ResolveResult) { other = true; });
  gate->wait_inside(1);
  ticket.cancel();
  CHECK_EQ(owned.use_count(), 1);
  gate->open();
  CHECK(run_until(loop, [&other] { return other; }));
  CHECK(!called);
  // Numeric answers can be cancelled too.
  Resolver::Ticket numeric =
      resolver.resolve("127.0.0.1", 1, 0, [&called](ResolveResult) { called = true; });
  numeric = Resolver::Ticket();
  loop.run_once(vws::Milliseconds(0));
  CHECK(!called);
}

TEST("a ticket may go inside its callback, and cancel others of the same answer") {
  EventLoop loop;
  const auto gate = std::make_shared<Gate>();
  Resolver resolver(loop, gated_lookup(gate));
  int calls = 0;
  Resolver::Ticket first;
  Resolver::Ticket second;
  first = resolver.resolve("a", 1, 0, [&](ResolveResult) {
    ++calls;
    first.cancel();
    second.cancel();
  });
  second = resolver.resolve("a", 1, 0, [&](ResolveResult) { calls += 100; });
  bool last = false;
  const Resolver::Ticket third = resolver.resolve("a", 1, 0, [&](ResolveResult) { last = true; });
  gate->open();
  CHECK(run_until(loop, [&last] { return last; }));
  CHECK_EQ(calls, 1);
}

TEST("resolver and loop may go before the answer") {
  const auto gate = std::make_shared<Gate>();
  bool called = false;
  Resolver::Ticket ticket;
  {
    EventLoop loop;
    Resolver resolver(loop, gated_lookup(gate));
    ticket = resolver.resolve("a", 1, 0, [&called](ResolveResult) { called = true; });
    gate->wait_inside(1);
  }
  gate->open();
  gate->wait_left(1);
  ticket.cancel();
  CHECK(!called);
}

TEST("loops that come and go while answers arrive") {
  const auto lookup = table_lookup({{"a", {"127.0.0.1"}}});
  for (int round = 0; round < 200; ++round) {
    EventLoop loop;
    Resolver resolver(loop, lookup);
    int answers = 0;
    std::vector<Resolver::Ticket> tickets;
    for (int i = 0; i < 4; ++i) {
      tickets.push_back(resolver.resolve("a", 1, 0, [&](ResolveResult) { ++answers; }));
    }
    if (round % 2 == 0) CHECK(run_until(loop, [&answers] { return answers == 4; }));
  }
}

TEST("loops on several threads share the helpers") {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&answered, calls, t] {
      EventLoop loop;
      Resolver resolver(loop, [calls](const std::string&, int) {
        ++*calls;
        return LookupAnswer{0, 0, {*vws::Address::from_numeric("127.0.0.1", 0)}};
      });
      int mine = 0;
      std::vector<Resolver::Ticket> tickets;
      for (int i = 0; i < 50; ++i) {
        tickets.push_back(resolver.resolve("name" + std::to_string(t * 100 + i), 1, 0,
                                           [&mine](ResolveResult) { ++mine; }));
      }
      if (run_until(loop, [&mine] { return mine == 50; })) answered += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(answered.load(), 200);
  CHECK_EQ(calls->load(), 200);
}

TEST("few threads, and names of this machine do not wait for others") {
  EventLoop loop;
  const auto gate = std::make_shared<Gate>();
  Resolver resolver(loop, [gate](const std::string& host, int) {
    if (host != "localhost") gate->enter();
    return LookupAnswer{0, 0, {*vws::Address::from_numeric("127.0.0.1", 0)}};
  });
  std::vector<Resolver::Ticket> tickets;
  int answers = 0;
  for (int i = 0; i < 20; ++i) {
    tickets.push_back(resolver.resolve("slow" + std::to_string(i), 1, 0,
                                       [&answers](ResolveResult) { ++answers; }));
  }
  gate->wait_inside(4);
  bool local = false;
  tickets.push_back(resolver.resolve("localhost", 1, 0, [&local](ResolveResult) { local = true; }));
  CHECK(run_until(loop, [&local] { return local; }));
  CHECK_EQ(answers, 0);
  // The thread that was added for localhost goes on with what waits.
  CHECK(gate->inside() <= 5);
  CHECK(vws::ResolverPool::shared()->threads() <= 5);
  gate->open();
  CHECK(run_until(loop, [&answers] { return answers == 20; }));
}

TEST("a question that nobody asks any more is not looked up") {
  EventLoop loop;
  const auto gate = std::make_shared<Gate>();
  const auto looked_up = std::make_shared<std::atomic<int>>(0);
  Resolver resolver(loop, [gate, looked_up](const std::string& host, int) {
    if (host == "given up") ++*looked_up;
    if (host[0] == 's') gate->enter();
    return LookupAnswer{vws::os::kLookupNotFound, 0, {}};
  });
  std::vector<Resolver::Ticket> tickets;
  for (int i = 0; i < 5; ++i) {
    tickets.push_back(resolver.resolve("s" + std::to_string(i), 1, 0, [](ResolveResult) {}));
  }
  // Five threads at most may be there from other tests.
  gate->wait_inside(4);
  for (int i = 5; i < 7; ++i) {
    tickets.push_back(resolver.resolve("s" + std::to_string(i), 1, 0, [](ResolveResult) {}));
  }
  resolver.resolve("given up", 1, 0, [](ResolveResult) {}).cancel();
  bool last = false;
  tickets.push_back(resolver.resolve("last", 1, 0, [&last](ResolveResult) { last = true; }));
  gate->open();
  CHECK(run_until(loop, [&last] { return last; }));
  CHECK_EQ(looked_up->load(), 0);
}

TEST("threads end when they have nothing to do, and start again") {
  EventLoop loop;
  const auto pool = std::make_shared<vws::ResolverPool>(vws::Milliseconds(10));
  const auto poster = std::make_shared<vws::LoopPoster>(loop);
  const auto lookup =
      std::make_shared<const vws::LookupFunction>(table_lookup({{"a", {"127.0.0.1"}}}));
  for (int round = 0; round < 3; ++round) {
    bool answered = false;
    const auto waiter = std::make_shared<vws::ResolveWaiter>();
    waiter->poster = poster;
    waiter->callback = [&answered](ResolveResult) { answered = true; };
    CHECK_EQ(pool->submit(lookup, "a", 0, waiter), 0);
    CHECK(run_until(loop, [&answered] { return answered; }));
    CHECK(run_until(loop, [&pool] { return pool->threads() == 0; }));
  }
  // A thread that has ended lets go of the pool.
  CHECK(run_until(loop, [&pool] { return pool.use_count() == 1; }));
  poster->detach();
}

TEST_MAIN
