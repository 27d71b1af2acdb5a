#include "engine/tls/hostname.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "engine/os/address_types.h"
#include "engine/tls/openssl_ptr.h"

namespace vws {

namespace {

// What a certificate says is the peer's word: only what can be printed goes into messages.
std::string printable(const ASN1_STRING* text) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  std::string out(data, static_cast<size_t>(ASN1_STRING_length(text)));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN];
  const int size = ASN1_STRING_length(address);
  const int family = size == 4 ? AF_INET : AF_INET6;
  if (size != 4 && size != 16) return "?";
  const char* made = inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text);
  return made ? made : "?";
}

std::string list_altnames(const X509* certificate, bool addresses_only) {
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string list;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string entry;
    if (name->type == GEN_IPADD) {
      entry = (addresses_only ? "" : "IP Address:") + address_text(name->d.iPAddress);
    } else if (name->type == GEN_DNS && !addresses_only) {
      entry = "DNS:" + printable(name->d.dNSName);
    }
    if (entry.empty()) continue;
    if (!list.empty()) list += ", ";
    list += entry;
  }
  return list;
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? "" : printable(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

std::string canonical_host(const std::string& host) {
  std::string canonical = host;
  if (canonical.find(':') != std::string::npos) {
    canonical.erase(std::min(canonical.find('%'), canonical.size()));
  }
  if (!canonical.empty() && canonical.back() == '.') canonical.pop_back();
  return canonical;
}

bool is_ip_address(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address) == 1;
}

bool certificate_names(X509* certificate, const std::string& host) {
  if (is_ip_address(host)) return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
  // OpenSSL takes a name that begins with a dot for all names that end in it.
  if (host.empty() || host.front() == '.') return false;
  return X509_check_host(certificate, host.data(), host.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::string altname_mismatch(const X509* certificate, const std::string& host) {
  const std::string begin = "Hostname/IP does not match certificate's altnames: ";
  if (is_ip_address(host)) {
    return begin + "IP: " + host +
           " is not in the cert's list: " + list_altnames(certificate, true);
  }
  const std::string names = list_altnames(certificate, false);
  if (!names.empty()) return begin + "Host: " + host + ". is not in the cert's altnames: " + names;
  const std::string common = common_name(certificate);
  if (!common.empty()) return begin + "Host: " + host + ". is not cert's CN: " + common;
  return begin + "Cert does not contain a DNS name";
}

}  // namespace vws
