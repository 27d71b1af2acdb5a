// The benchmarks' server. Prints one line of JSON with its ports and serves until standard input ends.
//   server CERTIFICATE_FILE     where to put the PEM that clients of the TLS port must trust

#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include "certificate.h"
#include "server.h"

namespace {

void raise_descriptor_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CERTIFICATE_FILE\n", argv[0]);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  bench::SslContext context = bench::make_server_context(argv[1]);
  if (!context) {
    std::fprintf(stderr, "cannot make a certificate at %s\n", argv[1]);
    return 1;
  }
  bench::Server server(std::move(context));
  if (!server.listen()) {
    std::perror("listen");
    return 1;
  }
  std::printf("{\"plain\":%d,\"tls\":%d}\n", server.plain_port(), server.tls_port());
  std::fflush(stdout);
  server.run();
  return 0;
}
