#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/tls_error.h"

namespace vws {

// Certificates that are trusted, from PEM. One is parsed when a chain asks for it, not before: to parse all of
// Node's takes 20 ms and a megabyte. Immutable but for that. Any thread.
class Roots;
using RootsPtr = std::shared_ptr<const Roots>;

// The same text gives the same roots, as long as somebody holds them: workers share them with the main thread.
// Without any text nobody is trusted; a text without any certificate is an error. Any thread.
Result<RootsPtr> make_roots(const std::string& pem);

// A store of these certificates, and of the roots as well (null: of none). Null without memory. Any thread.
X509StorePtr make_trust(const std::vector<X509Ptr>& certificates, const RootsPtr& roots);

}  // namespace vws
