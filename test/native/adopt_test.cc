// Connections that are open already: sockets that are taken over, and streams of the consumer's.

#include <string>
#include <vector>

#include "net_support.h"
#include "server_support.h"

namespace vws::test {

namespace {

[[maybe_unused]] const bool kIgnored = ignore_broken_pipes();

AcceptOptions accept_options() {
  AcceptOptions options;
  options.close_timeout = Milliseconds(2000);
  return options;
}

std::vector<uint8_t> bytes_of(const std::string& text) {
  return std::vector<uint8_t>(text.begin(), text.end());
}

// Two ends of a socket.
struct Ends {
  UniqueFd ours, theirs;
  Ends() {
    SocketPair pair = socket_pair();
    CHECK(static_cast<bool>(pair.one));
    ours = std::move(pair.one);
    theirs = std::move(pair.other);
  }
  void say(const std::string& bytes) {
    CHECK_EQ(os::send(theirs.get(), bytes.data(), bytes.size()),
             static_cast<ssize_t>(bytes.size()));
  }
  // What has come so far.
  const std::string& look() {
    char buffer[65536];
    ssize_t got;
    while ((got = os::receive(theirs.get(), buffer, sizeof buffer)) > 0) {
      received.append(buffer, static_cast<size_t>(got));
    }
    ended = ended || got == 0;
    return received;
  }
  // Waits for bytes, or for the end, while the consumer does nothing.
  bool wait() { return wait_readable(theirs.get(), 20000); }
  std::string received;
  bool ended = false;
};

}  // namespace

TEST("a socket that is taken over: the answer first, what came early before what comes late") {
  for (const ServiceMode mode :
       {ServiceMode::kThread, ServiceMode::kAdaptive, ServiceMode::kLoop}) {
    Consumer consumer(mode);
    Ends ends;
    ends.say(client_frame(kText, "second"));
    AcceptOptions options = accept_options();
    options.greeting = kGreeting;
    const std::string first = client_frame(kText, "first");
    options.early = bytes_of(first + client_frame(kText, "cut").substr(0, 4));
    // The rest of what is cut comes by the socket; so the order shows.
    Ends cut;
    cut.say(client_frame(kText, "cut").substr(4) + client_frame(kText, "last"));
    const int32_t id = consumer.engine.adopt(std::move(cut.ours), options, Sender::Limits());
    Seen& seen = consumer.of(id);
    CHECK(consumer.until([&] { return seen.messages.size() == 3; }));
    CHECK_EQ(seen.messages[0] + seen.messages[1] + seen.messages[2], "firstcutlast");
    consumer.send(id, "hello");
    const std::string expected = kGreeting + server_frame(kText, "hello");
    CHECK(consumer.until([&] { return cut.look() == expected; }));
    cut.say(client_frame(kClose, std::string("\x03\xe8", 2)));
    CHECK(consumer.until([&] { return cut.look().size() == expected.size() + 4; }));
    cut.theirs.reset();
    CHECK(consumer.until([&] { return seen.ended; }));
    CHECK_EQ(seen.close_code, 1000);
    consumer.engine.release(id);
  }
}

TEST("a socket whose peer has gone, one that is none, and one that is no socket") {
  Consumer consumer(ServiceMode::kThread);
  Ends gone;
  gone.theirs.reset();
  int32_t id = consumer.engine.adopt(std::move(gone.ours), accept_options(), Sender::Limits());
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  CHECK_EQ(consumer.of(id).close_code, 1006);
  consumer.engine.release(id);

  id = consumer.engine.adopt(no_socket(), accept_options(), Sender::Limits());
  consumer.of(id) = Seen();
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  CHECK_EQ(consumer.of(id).detail, kCannotWatch);
  consumer.engine.release(id);
}

TEST("a breach of the protocol, a close that nobody answers, and an end without one") {
  Consumer consumer(ServiceMode::kThread);
  Ends unmasked;
  AcceptOptions patient = accept_options();
  patient.close_timeout = Milliseconds(60000);
  int32_t id = consumer.engine.adopt(std::move(unmasked.ours), patient, Sender::Limits());
  unmasked.say(server_frame(kText, "a client masks"));
  CHECK(consumer.until([&] { return unmasked.look().size() == 4; }));
  CHECK_EQ(unmasked.received, std::string("\x88\x02\x03\xea", 4));  // 1002
  // We have nothing more to say: our direction of TCP ends.
  CHECK(unmasked.wait());
  unmasked.look();
  CHECK(unmasked.ended);
  unmasked.theirs.reset();
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  consumer.engine.release(id);

  Ends deaf;
  AcceptOptions options = accept_options();
  options.close_timeout = Milliseconds(50);
  id = consumer.engine.adopt(std::move(deaf.ours), options, Sender::Limits());
  consumer.of(id) = Seen();
  consumer.engine.close(id, 1001, "bye");
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  CHECK_EQ(consumer.of(id).close_code, 1006);
  CHECK_EQ(deaf.look(), std::string("\x88\x05\x03\xe9", 4) + "bye");
  consumer.engine.release(id);
}

TEST("a Close frame that the program does not answer in time is answered for it") {
  Consumer consumer(ServiceMode::kThread);
  Ends ends;
  AcceptOptions options = accept_options();
  options.close_timeout = Milliseconds(50);
  const int32_t id = consumer.engine.adopt(std::move(ends.ours), options, Sender::Limits());
  ends.say(client_frame(kClose, std::string("\x03\xe9", 2)));
  CHECK(ends.wait());
  CHECK_EQ(ends.look(), std::string("\x88\x02\x03\xe9", 4));
  ends.theirs.reset();
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  CHECK_EQ(consumer.of(id).close_code, 1001);
}

TEST("limits of a server's connection: payload, fragments, pings without end") {
  Consumer consumer(ServiceMode::kThread);
  AcceptOptions options = accept_options();
  options.max_message = 100;
  options.max_fragments = 3;
  const std::string fragment = std::string("\x01\x81", 2) + std::string(4, '\0') + "x";
  const std::string more = std::string("\x00\x81", 2) + std::string(4, '\0') + "x";
  const std::vector<std::pair<std::string, std::string>> breaches = {
      {client_frame(kText, std::string(101, 'x')), std::string("\x03\xf1", 2)},  // 1009
      {fragment + more + more + more + more, std::string("\x03\xf0", 2)},        // 1008
      {client_frame(kPing, std::string(125, 'x')).replace(1, 1, "\xfe") + "  ",
       "\x03\xea"},  // 1002
  };
  for (const auto& [bytes, code] : breaches) {
    Ends ends;
    const int32_t id = consumer.engine.adopt(std::move(ends.ours), options, Sender::Limits());
    consumer.of(id) = Seen();
    ends.say(bytes);
    CHECK(consumer.until([&] { return ends.look().size() >= 4; }));
    CHECK_EQ(ends.received, "\x88\x02" + code);
    ends.theirs.reset();
    CHECK(consumer.until([&] { return consumer.of(id).ended; }));
    consumer.engine.release(id);
  }
  // Who pings and does not read costs a bounded queue, and gets the last one answered.
  Ends ends;
  for (const int fd : {ends.ours.get(), ends.theirs.get()}) set_buffers(fd, 16384);
  const int32_t id = consumer.engine.adopt(std::move(ends.ours), options, Sender::Limits());
  consumer.of(id) = Seen();
  std::string pings;
  for (int i = 0; i < 10000; ++i) pings += client_frame(kPing, std::string(120, 'p'));
  pings += client_frame(kPing, "last") + client_frame(kText, "done");
  for (size_t at = 0; at < pings.size();) {
    const ssize_t sent = os::send(ends.theirs.get(), pings.data() + at, pings.size() - at);
    if (sent > 0) at += static_cast<size_t>(sent);
    consumer.drain();
  }
  CHECK(consumer.until([&] { return !consumer.of(id).messages.empty(); }));
  CHECK(consumer.until([&] {
    const std::string& all = ends.look();
    return all.size() >= 6 && all.compare(all.size() - 6, 6, server_frame(kPong, "last")) == 0;
  }));
  // Far from all of them, though all had been sent before it read.
  CHECK(ends.received.size() < pings.size() / 2);
  consumer.engine.terminate(id);
}

TEST("pongs are counted: a peer that pings and does not read is cut off, one that reads is not") {
  for (const ServiceMode mode : {ServiceMode::kThread, ServiceMode::kLoop}) {
    Consumer consumer(mode);
    AcceptOptions options = accept_options();
    options.max_pending_pongs = 3;
    std::string pings;
    for (int i = 0; i < 1000; ++i) pings += client_frame(kPing, std::string(120, 'p'));
    // Many in one piece.
    Ends reads;
    const int32_t reader = consumer.engine.adopt(std::move(reads.ours), options, Sender::Limits());
    consumer.of(reader) = Seen();
    reads.say(pings.substr(0, pings.size() / 100) + client_frame(kText, "done"));
    CHECK(consumer.until([&] { return !consumer.of(reader).messages.empty(); }));
    CHECK(consumer.until([&] { return reads.look().size() == 10 * 122; }));
    CHECK(!consumer.of(reader).ended);
    consumer.engine.terminate(reader);
    Ends deaf;
    const int32_t id = consumer.engine.adopt(std::move(deaf.ours), options, Sender::Limits());
    consumer.of(id) = Seen();
    CHECK(consumer.until([&] {
      os::send(deaf.theirs.get(), pings.data(), pings.size());
      return consumer.of(id).ended;
    }));
    CHECK_EQ(consumer.of(id).close_code, 1006);
    CHECK_EQ(consumer.of(id).detail, "3 pongs wait to be written");
  }
}

TEST("a peer that does not read: empty messages stop at the limit, and drain when it reads") {
  Consumer consumer(ServiceMode::kThread);
  Ends ends;
  const Sender::Limits limits{256 * 1024, 1000};
  const int32_t id = consumer.engine.adopt(std::move(ends.ours), accept_options(), limits);
  size_t sent = 0;
  const auto fill = [&] {
    for (;; ++sent) {
      const SendResult result = consumer.send(id, "");
      if (result != SendResult::kOk && result != SendResult::kFull) return result;
      if (sent % 100 == 0) consumer.engine.flush();
    }
  };
  CHECK_EQ(fill(), SendResult::kLimit);
  CHECK_EQ(consumer.engine.sender(id)->buffered(), uint64_t{0});
  CHECK_EQ(consumer.of(id).drains, 0);
  CHECK(consumer.until([&] {
    ends.look();
    return consumer.of(id).drains != 0;
  }));
  CHECK(consumer.until([&] { return ends.look().size() == 2 * sent; }));
  CHECK_EQ(consumer.engine.sender(id)->held(), uint64_t{0});
  CHECK_EQ(consumer.send(id, ""), SendResult::kOk);
}

TEST("a stream: bytes in every piece, both ways, to the end") {
  for (const ServiceMode mode :
       {ServiceMode::kThread, ServiceMode::kAdaptive, ServiceMode::kLoop}) {
    Consumer consumer(mode);
    AcceptOptions options = accept_options();
    options.early = bytes_of(client_frame(kText, "early"));
    const int32_t id = consumer.engine.adopt_stream(options, Sender::Limits());
    Seen& seen = consumer.of(id);
    for (const char byte : client_frame(kText, "in single bytes")) {
      CHECK(consumer.engine.feed(id, {static_cast<uint8_t>(byte)}));
    }
    CHECK(consumer.until([&] { return seen.messages.size() == 2; }));
    CHECK_EQ(seen.messages[0] + ' ' + seen.messages[1], "early in single bytes");
    consumer.send(id, "out");
    CHECK(consumer.until([&] { return seen.stream == server_frame(kText, "out"); }));
    consumer.engine.took(id, seen.stream.size());
    consumer.engine.close(id, 1000, {});
    CHECK(consumer.until([&] { return seen.stream.size() == 5 + 4; }));
    consumer.engine.feed(id, bytes_of(client_frame(kClose, std::string("\x03\xe8", 2))));
    CHECK(consumer.until([&] { return seen.stream_ended; }));
    consumer.engine.feed_end(id, "");
    CHECK(consumer.until([&] { return seen.ended; }));
    CHECK_EQ(seen.close_code, 1000);
    // It has ended: nothing of this does anything.
    consumer.engine.feed(id, {1, 2, 3});
    consumer.engine.feed_end(id, "again");
    consumer.engine.took(id, 1);
    consumer.engine.release(id);
    consumer.engine.feed(id, {1});
  }
}

TEST("a stream that breaks says why") {
  Consumer consumer(ServiceMode::kThread);
  const int32_t id = consumer.engine.adopt_stream(accept_options(), Sender::Limits());
  consumer.engine.feed(id, bytes_of(client_frame(kText, "before")));
  consumer.engine.feed_end(id, "read ECONNRESET");
  CHECK(consumer.until([&] { return consumer.of(id).ended; }));
  CHECK_EQ(consumer.of(id).messages.size(), size_t{1});
  CHECK_EQ(consumer.of(id).close_code, 1006);
  CHECK_EQ(consumer.of(id).detail, "read ECONNRESET");
}

TEST("a stream out: no more on its way than the window") {
  Consumer consumer(ServiceMode::kThread);
  const int32_t id = consumer.engine.adopt_stream(accept_options(), Sender::Limits());
  Seen& seen = consumer.of(id);
  const std::string message(3 * StreamTransport::kWindow, 'x');
  consumer.send(id, message, kBinary);
  CHECK(consumer.until([&] { return seen.stream.size() == StreamTransport::kWindow; }));
  size_t taken = StreamTransport::kWindow / 2 + 1;
  consumer.engine.took(id, taken);
  CHECK(consumer.until([&] { return seen.stream.size() == StreamTransport::kWindow + taken; }));
  CHECK(consumer.until([&] {
    consumer.engine.took(id, seen.stream.size() - taken);
    taken = seen.stream.size();
    return taken == message.size() + 10;
  }));
  CHECK_EQ(seen.stream.substr(10), message);
}

TEST("a stream in: it is paused when much waits, and told when to go on") {
  Consumer consumer(ServiceMode::kThread);
  const int32_t id = consumer.engine.adopt_stream(accept_options(), Sender::Limits());
  consumer.engine.pause(id);
  std::string frame = client_frame(kBinary, "");
  frame[1] = static_cast<char>(0xfe);
  frame.insert(2, std::string("\xff\xff", 2));
  frame += std::string(65535, 'x');
  int fed = 0;
  while (consumer.engine.feed(id, bytes_of(frame))) ++fed;
  CHECK_EQ(fed + 1, 4);  // 256 KiB
  CHECK_EQ(consumer.of(id).stream_drains, 0);
  consumer.engine.resume(id);
  CHECK(consumer.until([&] { return consumer.of(id).stream_drains == 1; }));
  CHECK(consumer.until([&] { return consumer.of(id).messages.size() == 4; }));
}

TEST("an engine that ends with all of them open") {
  const int before = open_descriptors();
  for (const ServiceMode mode :
       {ServiceMode::kThread, ServiceMode::kAdaptive, ServiceMode::kLoop}) {
    Ends ends[4];
    Consumer consumer(mode);
    for (Ends& one : ends) {
      const int32_t id =
          consumer.engine.adopt(std::move(one.ours), accept_options(), Sender::Limits());
      consumer.send(id, std::string(1000000, 'x'));
    }
    const int32_t id = consumer.engine.adopt_stream(accept_options(), Sender::Limits());
    consumer.send(id, std::string(3000000, 'x'));
    consumer.engine.feed(id, bytes_of(client_frame(kText, "x")));
    consumer.engine.flush();
  }
  CHECK_EQ(open_descriptors(), before);
}

}  // namespace vws::test

TEST_MAIN
