#pragma once

// A listener of the engine's, and clients that say what no library would: on blocking sockets, of which each call ends
// after 20 s at the latest.

#include <string>
#include <utility>

#include "consumer.h"
#include "engine/net/address.h"
#include "engine/server/listening_socket.h"
#include "harness.h"
#include "support/system.h"

namespace vws::test {

constexpr char kUpgradeRequest[] =
    "GET /chat?x=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr char kGreeting[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

// A client's frame of at most 125 bytes, masked with zeros.
inline std::string client_frame(uint8_t opcode, const std::string& payload) {
  std::string frame;
  frame += static_cast<char>(0x80 | opcode);
  frame += static_cast<char>(0x80 | payload.size());
  return frame + std::string(4, '\0') + payload;
}

// A server's, as it should arrive.
inline std::string server_frame(uint8_t opcode, const std::string& payload) {
  std::string frame;
  frame += static_cast<char>(0x80 | opcode);
  frame += static_cast<char>(payload.size());
  return frame + payload;
}

class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(blocking_socket(AF_INET)) {
    const auto address = Address::from_numeric("127.0.0.1", port);
    connected_ = connect_blocking(fd_.get(), address->data(), address->size()) == 0;
  }

  int fd() const { return fd_.get(); }
  uint16_t local_port() const { return Address::local_of(fd_.get()).port(); }
  bool connected() const { return connected_; }

  // False when the server has reset the connection.
  bool say(const std::string& bytes) {
    return os::send(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }
  void half_close() { os::end_sending(fd_.get()); }
  // TCP ends with a reset.
  void reset() {
    reset_when_closed(fd_.get());
    fd_.reset();
  }

  // Up to the end of the stream.
  std::string read_all() {
    while (read_more()) {
    }
    return std::move(received_);
  }
  // So many bytes; fewer if the stream ends.
  std::string read(size_t n) {
    while (received_.size() < n && read_more()) {
    }
    std::string bytes = received_.substr(0, n);
    received_.erase(0, bytes.size());
    return bytes;
  }
  // Whether the server has ended the connection, or ends it.
  bool is_ended() { return read_all().empty(); }
  // Whether there is neither a byte nor an end yet.
  bool is_quiet(int milliseconds = 0) const { return !wait_readable(fd_.get(), milliseconds); }

 private:
  bool read_more() {
    char buffer[16384];
    const ssize_t got = os::receive(fd_.get(), buffer, sizeof buffer);
    if (got > 0) received_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  UniqueFd fd_;
  bool connected_ = false;
  std::string received_;
};

// An engine that listens.
class ServerScene {
 public:
  explicit ServerScene(const ListenerLimits& limits = {},
                       std::shared_ptr<const ServerTls> tls = nullptr,
                       ServiceMode mode = ServiceMode::kThread, int backlog = 511)
      : ServerScene(limits, std::move(tls), Consumer::settings(mode), backlog) {}
  ServerScene(const ListenerLimits& limits, std::shared_ptr<const ServerTls> tls,
              const EngineSettings& engine, int backlog = 511)
      : consumer(engine) {
    ListenAddress where;
    where.host = "127.0.0.1";
    where.backlog = backlog;
    ListenError error;
    UniqueFd socket = open_listening_socket(where, &error);
    CHECK(static_cast<bool>(socket));
    port = Address::local_of(socket.get()).port();
    fd = socket.get();
    ListenerSettings settings;
    static_cast<ListenerLimits&>(settings) = limits;
    listener = consumer.engine.listen(std::move(socket), settings, std::move(tls));
  }

  ListenerStats stats() { return consumer.engine.listener_stats(listener); }
  // Waits for a counter.
  bool until(uint64_t ListenerStats::*counter, uint64_t value) {
    return consumer.until([&] { return stats().*counter == value; });
  }
  // The next request that nobody has looked at; null after 20 s.
  Consumer::Request* next_request() {
    if (!consumer.until([&] { return consumer.requests.size() > taken_; })) return nullptr;
    return &consumer.requests[taken_++];
  }
  void accept(int32_t id, const std::string& greeting = kGreeting) {
    AcceptOptions options;
    options.greeting = greeting;
    options.close_timeout = Milliseconds(2000);
    options.starved_limit = Milliseconds(20);
    consumer.engine.accept(id, std::move(options), Sender::Limits());
  }
  // Whether a new client gets through, from its request to a message and back.
  bool serves() {
    RawClient client(port);
    client.say(kUpgradeRequest);
    Consumer::Request* request = next_request();
    if (!request) return false;
    const int32_t id = request->id;
    accept(id);
    if (client.read(sizeof kGreeting - 1) != kGreeting) return false;
    client.say(client_frame(kText, "hello"));
    if (!consumer.until([&] { return !consumer.of(id).messages.empty(); })) return false;
    consumer.send(id, consumer.of(id).messages[0]);
    consumer.engine.flush();
    if (client.read(7) != server_frame(kText, "hello")) return false;
    end(id);
    return true;
  }
  // Other certificates, for whoever is accepted from here on.
  void set_tls(std::shared_ptr<const ServerTls> tls) {
    consumer.engine.set_listener_tls(listener, std::move(tls));
  }
  // Ends a connection, and gives its number back.
  void end(int32_t id) {
    consumer.engine.terminate(id);
    CHECK(consumer.until([&] { return consumer.of(id).ended; }));
    consumer.engine.release(id);
  }

  Consumer consumer;
  uint16_t port = 0;
  int fd = -1;  // the listening socket
  int32_t listener = 0;

 private:
  size_t taken_ = 0;
};

}  // namespace vws::test
