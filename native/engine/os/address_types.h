#pragma once

// Socket addresses, under the names that every system has for them: sockaddr and its kin, AF_INET, htons(3),
// inet_pton(3), if_nametoindex(3).

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
// Those above come first.
#include <afunix.h>
#include <iphlpapi.h>
#else
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif
