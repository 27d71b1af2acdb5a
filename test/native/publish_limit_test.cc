// Where the limit of what waits for a slow peer lies: for sockets that take only so much before they are full.

#include <memory>
#include <string>

#include "member.h"
#include "net_support.h"
#include "server_support.h"

namespace vws::test {

namespace {

[[maybe_unused]] const bool kIgnored = ignore_broken_pipes();

}  // namespace

TEST("the message that passes the limit comes whole, and the next is lost") {
  Consumer consumer(ServiceMode::kLoop);
  AcceptOptions options;
  options.publish_limit = 1000;
  Member member = join(consumer, options);
  consumer.engine.subscribe(member.id, 1);
  const std::string large(3 << 20, 'x');
  consumer.engine.publish(1, text(consumer, "small"), 0, 1);
  consumer.engine.publish(1, text(consumer, large), 0, 1);
  consumer.engine.publish(1, text(consumer, "lost"), 0, 1);
  CHECK(consumer.until([&] { return consumer.of(member.id).dropped == 1; }));
  CHECK(consumer.engine.sender(member.id)->published() >= large.size());
  const std::string small = server_frame(kText, "small");
  CHECK(consumer.until([&] { return member.look().size() == small.size() + 10 + large.size(); }));
  CHECK(member.received.compare(0, small.size(), small) == 0);
  CHECK(member.received.compare(small.size() + 10, large.size(), large) == 0);
  CHECK(consumer.until([&] { return consumer.engine.sender(member.id)->published() == 0; }));
}

TEST("drop_oldest keeps the newest message, whatever its size and the limit") {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{300000}}) {
    for (const uint64_t limit : {uint64_t{1}, uint64_t{50000}, uint64_t{1} << 20}) {
      Consumer consumer(ServiceMode::kLoop);
      AcceptOptions options;
      options.publish_limit = limit;
      options.drop_oldest = true;
      Member member = join(consumer, options);
      consumer.engine.subscribe(member.id, 1);
      const std::string old(size, 'o');
      for (int i = 0; i < 100000 && consumer.of(member.id).dropped == 0; ++i) {
        consumer.engine.publish(1, text(consumer, old), 0, 1);
        consumer.engine.flush();
        turn(consumer);
      }
      CHECK(consumer.of(member.id).dropped > 0);
      const std::string newest = server_frame(kText, "the newest");
      consumer.engine.publish(1, text(consumer, "the newest"), 0, 1);
      consumer.engine.flush();
      CHECK(consumer.until([&] {
        const std::string& all = member.look();
        return all.size() >= newest.size() &&
               all.compare(all.size() - newest.size(), newest.size(), newest) == 0;
      }));
    }
  }
}

}  // namespace vws::test

TEST_MAIN
