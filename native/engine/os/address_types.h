#pragma once

// Socket addresses, under the names that every system has for them: sockaddr and its kin, AF_INET, htons(3),
// inet_pton(3), if_nametoindex(3).

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
// Those above come first.
#include <afunix.h>
#include <iphlpapi.h>

// Names of OpenSSL's, which they take for numbers.
#undef OCSP_REQUEST
#undef OCSP_RESPONSE
#undef PKCS7_ISSUER_AND_SERIAL
#undef PKCS7_SIGNER_INFO
#undef X509_EXTENSIONS
#undef X509_NAME

using sa_family_t = ADDRESS_FAMILY;
#else
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif
