#include "bare-connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../server/file_descriptor.h"
#include "../server/frames.h"

namespace bench {

namespace {

constexpr uint32_t kMask = 0x1234abcd;
constexpr int kEvents = 256;

// Connects and upgrades, blocking.
FileDescriptor open_one(const bench_options& options) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return FileDescriptor();
  }
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::string request = "GET " + std::string(options.path) +
                              " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return FileDescriptor();
  }
  std::string response;
  char one;
  while (response.find("\r\n\r\n") == std::string::npos) {
    if (recv(fd.get(), &one, 1, 0) != 1) return FileDescriptor();
    response += one;
  }
  return response.compare(0, 12, "HTTP/1.1 101") == 0 ? std::move(fd) : FileDescriptor();
}

std::vector<uint8_t> make_frame(const bench_options& options, bool masked) {
  const std::vector<uint8_t> payload(options.size, 'a');
  std::vector<uint8_t> frame(options.size + kLongestHeader);
  const size_t head = write_header(frame.data(), kFin | kBinary, options.size, masked, kMask);
  mask_copy(frame.data() + head, payload.data(), payload.size(), kMask);
  frame.resize(head + payload.size());
  return frame;
}

}  // namespace

int run_connections(const bench_options& options) {
  const std::vector<uint8_t> frame = make_frame(options, true);
  const size_t answer = make_frame(options, false).size();
  const FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  std::vector<FileDescriptor> connections;
  std::vector<size_t> received(options.connections);  // bytes of the answer under way
  for (uint64_t i = 0; i < options.connections; ++i) {
    connections.push_back(open_one(options));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (!connections.back().valid() ||
        epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connections.back().get(), &event) != 0) {
      std::perror("connect");
      return 1;
    }
  }
  for (const FileDescriptor& fd : connections)
    send(fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL);

  bench_meter meter = {};
  bench_meter_init(&meter, &options);
  uint64_t messages = 0;
  uint64_t base = 0;
  std::array<epoll_event, kEvents> events;
  std::array<uint8_t, 65536> buffer;
  while (!bench_meter_tick(&meter, messages, &base)) {
    const int count = epoll_wait(epoll.get(), events.data(), kEvents, 1000);
    for (int i = 0; i < count; ++i) {
      const uint64_t index = events[static_cast<size_t>(i)].data.u64;
      const int fd = connections[index].get();
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) {
        std::fprintf(stderr, "a connection broke\n");
        return 1;
      }
      received[index] += static_cast<size_t>(got);
      for (; received[index] >= answer; received[index] -= answer) {
        ++messages;
        send(fd, frame.data(), frame.size(), MSG_NOSIGNAL);
      }
    }
  }
  bench_meter_free(&meter);
  return 0;
}

}  // namespace bench
