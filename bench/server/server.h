#pragma once

#include <memory>
#include <vector>

#include "connection.h"

namespace bench {

// One thread, one epoll, two listening sockets (plain and TLS) on 127.0.0.1.
class Server {
 public:
  explicit Server(SslContext context);

  // Binds ports of the system's choice. False with errno set if it cannot.
  bool listen();
  int plain_port() const { return plain_port_; }
  int tls_port() const { return tls_port_; }

  // Serves until standard input ends, which is when the program that started it is gone.
  void run();

 private:
  void accept_from(int listener, SSL_CTX* context);
  void serve(int fd);
  void tick();
  void settle(Connection& connection, bool alive);
  void interest(Connection& connection, int operation);

  SslContext context_;
  Scratch scratch_;
  FileDescriptor epoll_;
  FileDescriptor plain_;
  FileDescriptor tls_;
  int plain_port_ = 0;
  int tls_port_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::vector<int> paced_;                                // descriptors of paced sources
};

}  // namespace bench
