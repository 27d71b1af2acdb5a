#pragma once

#include <openssl/x509.h>

#include <string>

namespace vws {

// A host as certificates and SNI write it: without the dot of a fully qualified name at its end,
// without the zone of an IPv6 address.
std::string canonical_host(const std::string& host);

bool is_ip_address(const std::string& host);

// Whether the certificate is for the host (RFC 6125, as Node.js has it): names by the alternative
// names, by the common name only where there is no alternative DNS name; a wildcard stands for the
// whole leftmost label; addresses by the alternative names only.
bool certificate_names(X509* certificate, const std::string& host);

// Node's words for a certificate that does not.
std::string altname_mismatch(const X509* certificate, const std::string& host);

}  // namespace vws
