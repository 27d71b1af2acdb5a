#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/tls_error.h"

namespace vws {

// The roots that are trusted by default, from PEM: for the whole process, from now on. The same
// text again costs nothing. A certificate is parsed when a chain asks for it, not before: to parse
// all of Node's takes 20 ms and a megabyte. Any thread.
std::optional<TlsError> set_default_roots(const std::string& pem);

// The store of the default roots, shared: change nothing in it. Before they are set it trusts
// nobody. Null without memory. Any thread.
X509StorePtr default_trust();

// A store of these certificates, and of the default roots as well if asked for. Any thread.
X509StorePtr make_trust(const std::vector<X509Ptr>& certificates, bool with_default_roots);

}  // namespace vws
