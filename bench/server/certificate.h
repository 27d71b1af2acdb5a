#pragma once

#include <string>

#include "transport.h"

namespace bench {

// A TLS server context with a fresh self-signed certificate for 127.0.0.1 and localhost, which is
// also written, as PEM, to the file. Null if OpenSSL or the file refused.
SslContext make_server_context(const std::string& certificate_file);

}  // namespace bench
