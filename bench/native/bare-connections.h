#pragma once

#include "meter.h"

namespace bench {

// Many connections that echo over a bare epoll loop: two system calls a message and nothing else. Returns the
// exit status.
int run_connections(const bench_options& options);

}  // namespace bench
