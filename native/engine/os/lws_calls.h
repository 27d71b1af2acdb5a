#pragma once

// What libwebsockets calls in place of functions of the system and of OpenSSL: lws_scope.h says why. Its files stay as
// they are: cmake/Hooks.cmake has the compiler include this file in front of each of them. (What it calls of its own is
// renamed there, where it is defined.) deps/build.js fails if a call has kept its name.

#ifndef __cplusplus
// What they would define, and too late.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#endif

#include <stdlib.h>

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <fcntl.h>
#include <io.h>
#include <winsock2.h>
#include <ws2tcpip.h>
typedef SOCKET vws_hook_socket_type;
#else
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
typedef int vws_hook_socket_type;
#endif

struct ssl_st;

#ifdef __cplusplus
extern "C" {
#endif

int vws_hook_SSL_connect(struct ssl_st* ssl);
int vws_hook_SSL_get_error(const struct ssl_st* ssl, int result);
int vws_hook_connect(vws_hook_socket_type fd, const struct sockaddr* address, socklen_t length);
char* vws_hook_getenv(const char* name);
int vws_hook_getdtablesize(void);
int vws_hook_open(const char* path, int flags, ...);
int vws_hook_pipe(int ends[2]);
int vws_hook_setsockopt(vws_hook_socket_type fd, int level, int name, const void* value,
                        socklen_t length);
vws_hook_socket_type vws_hook_socket(int domain, int type, int protocol);
long vws_hook_sysconf(int name);

#ifdef __cplusplus
}
#else
// The headers that declare these names have been read: from here on they are calls (or members of libwebsockets', in
// all its files alike).
#define SSL_connect vws_hook_SSL_connect
#define SSL_get_error vws_hook_SSL_get_error
#define connect vws_hook_connect
#define getenv vws_hook_getenv
#define getdtablesize vws_hook_getdtablesize
#define open vws_hook_open
#define pipe vws_hook_pipe
#define setsockopt vws_hook_setsockopt
#define socket vws_hook_socket
#define sysconf vws_hook_sysconf
#ifdef _WIN32
// The event is looked up in its table, behind whose end it may be: not even that is done.
#define WSAEventSelect(socket, event, events) ((void)sizeof(event), (void)(events), 0)
#endif
#endif
