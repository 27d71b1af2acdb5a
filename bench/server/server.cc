#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace bench {

namespace {

constexpr int kBacklog = 16 * 1024;
constexpr int kAcceptsAtOnce = 256;
constexpr int kTickMilliseconds = 1;

FileDescriptor listen_somewhere(int& port) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd.get(), generic, size) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      getsockname(fd.get(), generic, &size) != 0) {
    return FileDescriptor();
  }
  port = ntohs(address.sin_port);
  return fd;
}

bool watch(int epoll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Server::Server(SslContext context)
    : context_(std::move(context)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

bool Server::listen() {
  plain_ = listen_somewhere(plain_port_);
  tls_ = listen_somewhere(tls_port_);
  return epoll_.valid() && plain_.valid() && tls_.valid() && watch(epoll_.get(), plain_.get()) &&
         watch(epoll_.get(), tls_.get()) && watch(epoll_.get(), STDIN_FILENO);
}

void Server::run() {
  std::array<epoll_event, 512> events;
  for (;;) {
    const int ready = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 paced_.empty() ? -1 : kTickMilliseconds);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == STDIN_FILENO) return;
      if (fd == plain_.get()) {
        accept_from(fd, nullptr);
      } else if (fd == tls_.get()) {
        accept_from(fd, context_.get());
      } else {
        serve(fd);
      }
    }
    if (!paced_.empty()) tick();
  }
}

void Server::accept_from(int listener, SSL_CTX* context) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    FileDescriptor socket(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) return;
    const int fd = socket.get();
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const size_t index = static_cast<size_t>(fd);
    if (connections_.size() <= index) connections_.resize(index + 1);
    connections_[index] = std::make_unique<Connection>(std::move(socket), context, scratch_);
    interest(*connections_[index], EPOLL_CTL_ADD);
  }
}

void Server::serve(int fd) {
  Connection& connection = *connections_[static_cast<size_t>(fd)];
  const bool was_paced = connection.paced();
  const bool alive = connection.on_ready();
  if (alive && connection.paced() && !was_paced) paced_.push_back(fd);
  settle(connection, alive);
}

void Server::tick() {
  const Clock::time_point now = Clock::now();
  const std::vector<int> paced = paced_;
  for (const int fd : paced) {
    Connection& connection = *connections_[static_cast<size_t>(fd)];
    settle(connection, connection.on_tick(now));
  }
}

void Server::settle(Connection& connection, bool alive) {
  if (alive) {
    interest(connection, EPOLL_CTL_MOD);
    return;
  }
  const int fd = connection.fd();
  paced_.erase(std::remove(paced_.begin(), paced_.end(), fd), paced_.end());
  connections_[static_cast<size_t>(fd)].reset();
}

void Server::interest(Connection& connection, int operation) {
  epoll_event event = {};
  event.events =
      (connection.wants_read() ? EPOLLIN : 0u) | (connection.wants_write() ? EPOLLOUT : 0u);
  event.data.fd = connection.fd();
  if (operation == EPOLL_CTL_MOD && event.events == connection.watched) return;
  connection.watched = event.events;
  epoll_ctl(epoll_.get(), operation, connection.fd(), &event);
}

}  // namespace bench
